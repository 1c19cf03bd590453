"""The examples as they stand."""

import re
import unittest

from harness import nginx
from harness.case import ROOT, Case
from harness.nginx import Nginx
from harness.ports import accepts
from harness.tandem import Tandem, check

_EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))


class Examples(Case):
    def test_every_example_passes_check(self):
        self.assertTrue(_EXAMPLES)
        for path in _EXAMPLES:
            with self.subTest(path.name):
                done = check(path)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_example_has_its_page(self):
        pages = "\n".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
        for path in _EXAMPLES:
            with self.subTest(path.name):
                self.assertIn(f"examples/{path.name}", pages)
