#!/usr/bin/env python3
"""The check of the include direction finds what it is there for."""

import pathlib
import tempfile
import unittest

import check


class WrongArrows(unittest.TestCase):
    def tree(self, **files):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        root = pathlib.Path(directory.name)
        for folder, line in (("base", ""), ("net", "USES base"), ("lb", "USES base net LINKS x"), ("app", "USES base net lb")):
            (root / folder).mkdir()
            (root / folder / "CMakeLists.txt").write_text(f"tandem_library({folder} {line})\n")
        for name, text in files.items():
            folder, _, file = name.partition("__")
            (root / folder / f"{file}.cpp").write_text(text)
        return root

    def test_downwards_is_right(self):
        root = self.tree(lb__pool='#include "net/fd.hpp"\n#include "lb/pool.hpp"\n#include <vector>\n',
                         app__main='#include "lb/pool.hpp"\n')
        self.assertEqual(check.wrong_arrows(root), [])

    def test_upwards_and_sideways_are_wrong(self):
        root = self.tree(net__fd='// own\n#include "lb/pool.hpp"\n', base__text='#include "net/fd.hpp"\n')
        self.assertEqual(check.wrong_arrows(root), ['base/text.cpp:1: base may not include "net/fd.hpp"',
                                                    'net/fd.cpp:2: net may not include "lb/pool.hpp"'])

    def test_a_library_stays_in_its_place(self):
        root = self.tree(lb__pool="#include <toml++/toml.h>\n")
        self.assertEqual(check.wrong_arrows(root), ["lb/pool.cpp:1: <toml++/toml.h> belongs in config/ only"])

    def test_base_is_kept_small(self):
        root = self.tree(base__text="#include <boost/asio.hpp>\n")
        self.assertEqual(check.wrong_arrows(root), ["base/text.cpp:1: base may include boost/system only"])

    def test_headers_are_named_from_the_root(self):
        root = self.tree(lb__pool='#include "pool.hpp"\n')
        self.assertEqual(len(check.wrong_arrows(root)), 1)

    def test_a_cycle_is_found(self):
        self.assertEqual(check.cycles({"a": {"b"}, "b": {"a"}, "c": {"a"}}),
                         ["a: its USES lead back to itself", "b: its USES lead back to itself"])


if __name__ == "__main__":
    unittest.main()
