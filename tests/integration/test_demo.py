"""`tandem demo`: the story it tells, the door to its status pages, and what it leaves behind, which is nothing."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from harness.case import Case, figure
from harness.process import Process, run, wait_until
from harness.tandem import BINARY

INCIDENTS = ["kill -9 of the process that serves on", "power cut on", "the primary, killed", "tandem handover on"]


class Demo(Case):
    @classmethod
    def set_up_scene(cls):
        # A copy of its own: readable for everybody, and its processes are told from all others by it.
        cls.binary = cls.scene.dir / "tandem"
        shutil.copy(BINARY, cls.binary)
        cls.binary.chmod(0o755)
        cls.tmp = cls.scene.subdir("tmp")
        cls.tmp.chmod(0o777)
        cls.env = {"HOME": "/nonexistent", "TMPDIR": str(cls.tmp)}

    def processes(self):
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.readlink(entry / "exe") == str(self.binary):
                    found.append(int(entry.name))
            except OSError:
                pass  # gone, or not ours
        return found

    def assert_nothing_is_left(self, files=True):
        wait_until(lambda: not self.processes(), "no process of the demo runs", timeout=5)
        if files:
            self.assertEqual([], list(self.tmp.iterdir()))

    def start(self, name, *arguments, user="nobody"):
        return self.scene.add(Process(name, [self.binary, "demo", *arguments], self.scene.dir, env=self.env, cwd="/",
                                      user=user))

    def wait_for_story(self, demo, pattern):
        """The match, once the story has come to it. Skips where this user may not make namespaces."""
        def told():
            found = re.search(pattern, demo.log())
            return found or not demo.is_running()
        wait_until(told, f"the story comes to {pattern!r}", timeout=20)
        self.skip_where_refused(demo.log())
        found = re.search(pattern, demo.log())
        self.assertIsNotNone(found, demo.log())
        return found

    def skip_where_refused(self, text):
        if "may not make namespaces" in text:
            self.assertIn("sudo", text)
            raise unittest.SkipTest(text.strip())

    def check_story(self, user):
        started = time.monotonic()
        done = run([self.binary, "demo", "--seconds", "14"], user=user, cwd="/", timeout=90, check=False, env=self.env)
        self.skip_where_refused(done.stderr)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        figure(f"tandem demo --seconds 14 took {time.monotonic() - started:.1f} s as {user or 'oneself'}")
        self.assertNotIn("\033[", done.stdout)
        report = done.stdout.rpartition("\n\n")[2]
        for incident in INCIDENTS:
            line = next((line for line in report.splitlines() if incident in line), None)
            self.assertIsNotNone(line, f"nothing about {incident!r} in\n{report}")
            self.assertRegex(line, r"[\d.]+(us|ms|s) without an? (answer|write)")
            self.assertRegex(line, r"\d+ requests? failed")
            figure(line.strip())
        self.assertRegex(report, r"writes  \d+ good, \d+ failed")
        self.assert_nothing_is_left()

    def test_the_demo_tells_its_story_to_an_ordinary_user(self):
        self.check_story("nobody" if os.geteuid() == 0 else None)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_the_demo_tells_its_story_to_root(self):
        self.check_story(None)

    def test_the_status_of_both_nodes_can_be_read_from_the_host_and_nothing_be_changed(self):
        demo = self.start("doors", "--seconds", "30")
        for node in ("lb-a", "lb-b"):
            base = self.wait_for_story(demo, rf"look at {node}: (http://127\.0\.0\.1:\d+)/").group(1)
            with urllib.request.urlopen(f"{base}/api/v1/status", timeout=10) as answer:
                self.assertEqual(node, json.load(answer)["node"]["name"])
            with urllib.request.urlopen(f"{base}/metrics", timeout=10) as answer:
                self.assertIn(b"tandem_build_info", answer.read())
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{base}/api/v1/clusters/demo/backends/db-1/drain", data=b"{}", timeout=10)
            self.assertEqual(403, refused.exception.code)
            refused.exception.close()
        demo.signal(signal.SIGTERM)
        demo.wait(10)
        self.assert_nothing_is_left()

    def test_an_interrupt_at_any_time_leaves_nothing(self):
        for when in (r"databases start", r"look at lb-b", r"kill -9 of the process", r"power cut"):
            with self.subTest(when=when):
                demo = self.start("interrupted-" + re.sub(r"\W", "-", when))
                self.wait_for_story(demo, when)
                demo.signal(signal.SIGINT)
                demo.wait(15)
                self.assert_nothing_is_left()

    def test_a_kill_leaves_no_process(self):
        demo = self.start("killed")
        self.wait_for_story(demo, "all up")
        self.assertGreater(len(self.processes()), 5)
        demo.signal(signal.SIGKILL)
        self.assert_nothing_is_left(files=False)
        for left in self.tmp.iterdir():
            shutil.rmtree(left)

    def test_a_length_that_makes_no_sense_is_refused(self):
        for seconds in ("3", "-1", "a while"):
            with self.subTest(seconds=seconds):
                done = run([self.binary, "demo", "--seconds", seconds], check=False, env=self.env)
                self.assertEqual(2, done.returncode)
                self.assertIn("--seconds", done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_where_namespaces_are_forbidden_the_setting_is_named(self):
        # Forbidden in a user namespace of the test's own, for a user in there who is not its root.
        # The second shell begins as that namespace's root and so has its rights.
        script = (f"read ready; exec sh -ec 'echo 0 > /proc/sys/user/max_user_namespaces; "
                  f"exec setpriv --reuid 1 --regid 1 --clear-groups {self.binary} demo'")
        shell = subprocess.Popen(["unshare", "--user", "sh", "-c", script], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **self.env})
        self.addCleanup(shell.kill)

        def in_its_namespace():
            return os.readlink(f"/proc/{shell.pid}/ns/user") != os.readlink("/proc/self/ns/user")
        wait_until(in_its_namespace, "the shell has its namespace")
        for kind in ("uid_map", "gid_map"):
            pathlib.Path(f"/proc/{shell.pid}/{kind}").write_text("0 0 65536")
        out, err = shell.communicate("ready\n", timeout=20)

        self.assertEqual(1, shell.returncode, out + err)
        self.assertIn("user.max_user_namespaces is 0", err)
        self.assertIn("sudo", err)
        self.assert_nothing_is_left()
