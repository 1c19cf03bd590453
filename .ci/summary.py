#!/usr/bin/env python3
"""Adds up the JUnit files that ctest wrote: what ran, what was skipped and why, and one line with the total."""

import pathlib
import re
import sys
import xml.etree.ElementTree as tree


def main(directory):
    total, parts, failed = 0, [], 0
    for path in sorted(pathlib.Path(directory).glob("*.xml")):
        suite = tree.parse(path).getroot()
        ran = 0
        for case in suite.iter("testcase"):
            out = case.findtext("system-out") or ""
            for line in re.findall(r"^skipped: .*", out, re.MULTILINE):
                print(f"{path.stem}: {line}")
            if case.find("skipped") is not None or case.get("status") in ("disabled", "notrun"):
                if "skipped:" not in out:
                    print(f"{path.stem}: skipped: {case.get('name')}")
                continue
            # One ctest test of a real-systems module holds several cases.
            cases = re.search(r"^integration cases: (\d+) ran", out, re.MULTILINE)
            ran += int(cases[1]) if cases else 1
        failed += int(suite.get("failures", 0))
        parts.append(f"{ran} {path.stem}")
        total += ran
    print(f"{total} tests ran: {', '.join(parts)}; {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
