"""The load client: many short connections at a fixed rate."""

import json
import os
import pathlib
import subprocess

from .case import ROOT

_LOAD = pathlib.Path(os.environ.get("TANDEM_LOAD", ROOT / "build/dev/tests/integration/integration_load"))


class Load:
    """Runs in the background; `report()` waits for its end."""

    def __init__(self, scene, port, *, host="127.0.0.1", rate=2000, seconds=5, timeout=10):
        self._popen = subprocess.Popen(
            [_LOAD, "--host", host, "--port", str(port), "--rate", str(rate), "--seconds", str(seconds),
             "--timeout", str(timeout)], stdout=subprocess.PIPE, text=True)
        self._limit = seconds + timeout + 10
        scene.add(self)

    def is_running(self):
        return self._popen.poll() is None

    def report(self):
        out, _ = self._popen.communicate(timeout=self._limit)
        return json.loads(out)

    def stop(self):
        if self.is_running():
            self._popen.kill()
        self._popen.wait()
        if self._popen.stdout:
            self._popen.stdout.close()


def failures(report):
    """How many of the connections did not get their answer."""
    return report["attempted"] - report["ok"]
