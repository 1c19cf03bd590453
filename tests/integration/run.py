#!/usr/bin/env python3
"""Runs one module of integration tests: run.py test_proxy_protocol [Class.test ...].

Prints how many cases ran and why others did not; the exit status is 77 when every one was skipped.
"""

import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

_TIME_LIMIT = 280  # seconds; below ctest's own limit, so that there is time to clean up


def _on_alarm(_number, _frame):
    # The first time the test fails and cleans up as usual; when that does not help, everything ends.
    signal.signal(signal.SIGALRM, _on_term)
    signal.alarm(10)
    raise SystemError(f"not done after {_TIME_LIMIT} s")


def _on_term(_number, _frame):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGALRM, _on_alarm)
    signal.signal(signal.SIGTERM, _on_term)
    signal.alarm(_TIME_LIMIT)
    module, *names = sys.argv[1:]
    suite = unittest.defaultTestLoader.loadTestsFromNames([f"{module}.{name}" for name in names] or [module])
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    signal.alarm(0)
    for case, reason in result.skipped:
        print(f"skipped: {case}: {reason}")
    ran = result.testsRun - sum(1 for case, _ in result.skipped if isinstance(case, unittest.TestCase))
    print(f"integration cases: {ran} ran, {len(result.skipped)} skipped", flush=True)
    if not result.wasSuccessful():
        return 1
    return 77 if ran == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
