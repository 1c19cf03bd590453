"""The base of every test here: a short temporary directory, clean ends, logs of a failure, honest skips."""

import atexit
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]


def program(name):
    """The path of an installed program, or None. Also looks where Debian keeps daemons."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class Scene:
    """A temporary directory and what was started in it; `close` ends everything, the newest first."""

    def __init__(self):
        # Short: a unix socket's path has at most 107 bytes. Readable: PostgreSQL runs as another user.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="td-", dir="/tmp"))
        self.dir.chmod(0o755)
        self._to_stop = []
        atexit.register(self.close)

    def add(self, resource):
        """Whatever has stop() ends with the scene."""
        self._to_stop.append(resource)
        return resource

    def subdir(self, name):
        path = self.dir / name
        path.mkdir(exist_ok=True)
        return path

    def logs(self, lines=40):
        """The last lines of every log in the scene."""
        text = []
        for path in sorted(self.dir.rglob("*.log")):
            tail = path.read_text(errors="replace").splitlines()[-lines:]
            if tail:
                text.append(f"--- {path.relative_to(self.dir)}\n" + "\n".join(tail))
        return "\n".join(text)

    def close(self):
        atexit.unregister(self.close)
        problems = []
        for resource in reversed(self._to_stop):
            try:
                resource.stop()
            except Exception as problem:  # the rest must end too
                problems.append(problem)
        keep = os.environ.get("TANDEM_TEST_KEEP")
        if keep:
            print(f"kept {self.dir}", file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)
        if problems:
            raise problems[0]


class Case(unittest.TestCase):
    """A test class with one scene for all of its tests, in `cls.scene`.

    `needs` names the programs it cannot do without, with the Debian package of each; without one the class is skipped.
    """

    needs = {}

    @classmethod
    def setUpClass(cls):
        for name, package in cls.needs.items():
            if program(name) is None:
                raise unittest.SkipTest(f"{name} is not installed (package {package})")
        cls.scene = Scene()
        cls.addClassCleanup(cls.scene.close)
        try:
            cls.set_up_scene()
        except unittest.SkipTest:
            raise
        except BaseException:
            print(cls.scene.logs(), file=sys.stderr)
            raise

    @classmethod
    def set_up_scene(cls):
        """Starts what the tests of the class share."""

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(f"\nlogs of {self.id()}:\n{self.scene.logs()}", file=sys.stderr)
        return result


def figure(text):
    """A measured figure, for the log of the run."""
    print(f"figure: {text}", flush=True)
