"""A control beside a measurement: when this machine itself stood still."""

import os
import signal
import time

from .asker import PROGRAM


class Stalls:
    """Records, at the real-time priority of Tandem's VRRP thread (0: none), every time at which it was not let to run."""

    def __init__(self, scene, node, *, priority=20):
        realtime = priority if os.geteuid() == 0 else 0
        self._process = node.start(scene, f"stalls-{time.monotonic_ns()}",
                                   [PROGRAM, "stalls", "--above", "2000", "--realtime", realtime], scene.dir)
        self.found = []  # (from, length) in nanoseconds of the monotonic clock

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.finish()

    def finish(self):
        self._process.signal(signal.SIGTERM)
        self._process.wait(60)
        self.found = [tuple(map(int, line.split(","))) for line in self._process.log().splitlines() if line[:1].isdigit()]
        self._process.stop()

    def longest_since(self, moment):
        """In seconds."""
        return max((length for at, length in self.found if at + length >= moment), default=0) / 1e9
