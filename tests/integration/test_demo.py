"""`tandem demo` as an ordinary user, from its start to its report."""

import os
import shutil
import time

from harness.case import Case, figure
from harness.process import run
from harness.tandem import BINARY


class Demo(Case):
    def test_the_demo_tells_its_story_without_root(self):
        binary = self.scene.dir / "tandem"
        shutil.copy(BINARY, binary)
        binary.chmod(0o755)
        started = time.monotonic()
        done = run([binary, "demo", "--seconds", "6"], user="nobody", cwd="/", timeout=60, check=False,
                   env={"HOME": "/nonexistent"})
        figure(f"tandem demo --seconds 6 took {time.monotonic() - started:.1f} s as "
               f"{'nobody' if os.geteuid() == 0 else 'oneself'}")

        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("\033[", done.stdout)
        self.assertRegex(done.stdout.lower(), r"primary")
        self.assertRegex(done.stdout.lower(), r"failed")
