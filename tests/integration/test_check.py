"""`tandem check` and the command line, as a person meets them."""

import json

from harness.case import ROOT, Case
from harness.process import run
from harness.tandem import BINARY, check

_GOOD = """
[cluster.web]
backends = [ { name = "web-1", address = "10.0.2.10:8080" }, { name = "web-2", address = "10.0.2.11:8080" } ]
[cluster.web.probe]
type = "http"
interval = "2s"
[pool.web]
cluster = "web"
[listener.web]
bind = ["127.0.0.1:8000"]
pool = "web"
"""


class Check(Case):
    def file(self, text):
        path = self.scene.dir / "tandem.toml"
        path.write_text(text)
        return path

    def problems(self, text, env=None):
        """Exit status and the lines on stderr, without the path."""
        path = self.file(text)
        done = check(path, env=env)
        return done.returncode, [line.replace(str(path) + ":", "") for line in (done.stderr + done.stdout).splitlines()]

    def test_a_good_file_passes_and_tells_the_time_to_notice(self):
        done = check(self.file(_GOOD))

        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("web", done.stdout)
        self.assertRegex(done.stdout, r"\d+(\.\d+)? ?(s|ms)")

    def test_every_problem_is_named_with_line_and_column(self):
        status, lines = self.problems(_GOOD.replace('interval = "2s"', 'intervall = "2s"').replace(
            'cluster = "web"', 'cluster = "wev"').replace('127.0.0.1:8000', '127.0.0.1:99999'))

        self.assertEqual(status, 1)
        text = "\n".join(lines)
        self.assertRegex(text, r'6:1: error: unknown key "intervall".*did you mean "interval"\?')
        self.assertRegex(text, r'8:11: error: .*"wev".*web')
        self.assertRegex(text, r'10:\d+: error: .*99999')
        self.assertIn("3 errors", text)

    def test_a_syntax_error_is_a_problem_like_any_other(self):
        status, lines = self.problems("[cluster.web\nbackends = 1\n")

        self.assertEqual(status, 1)
        self.assertRegex("\n".join(lines), r"1:\d+: error: ")

    def test_the_environment_is_used_and_missed(self):
        text = _GOOD.replace("127.0.0.1:8000", "127.0.0.1:${TANDEM_TEST_PORT}")

        self.assertEqual(self.problems(text, env={"TANDEM_TEST_PORT": "8000"})[0], 0)
        status, lines = self.problems(text)
        self.assertEqual(status, 1)
        self.assertIn("TANDEM_TEST_PORT", "\n".join(lines))

    def test_json_is_json(self):
        good = check(self.file(_GOOD), "--json")
        self.assertEqual(good.returncode, 0)
        json.loads(good.stdout)

        bad = check(self.file(_GOOD.replace("[pool.web]", "[pol.web]")), "--json")
        self.assertEqual(bad.returncode, 1)
        self.assertIn("pol", json.dumps(json.loads(bad.stdout)))

    def test_a_missing_file_is_an_error(self):
        done = check(self.scene.dir / "nowhere.toml")

        self.assertEqual(done.returncode, 1)
        self.assertIn("nowhere.toml", done.stderr)

    def test_wrong_usage_is_2_and_help_is_everywhere(self):
        for wrong in ([], ["runn"], ["check", "--nonsense"], ["drain"]):
            done = run([BINARY, *wrong], check=False)
            self.assertEqual(done.returncode, 2, (wrong, done.stdout, done.stderr))
            self.assertNotEqual(done.stderr, "", wrong)
        for command in ([], ["run"], ["check"], ["demo"], ["status"], ["drain"], ["ready"], ["reload"], ["version"]):
            done = run([BINARY, *command, "--help"], check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), command)
            self.assertNotIn("\033[", done.stdout)

    def test_commands_without_a_running_node_say_where_they_looked(self):
        for command in (["status"], ["reload"], ["drain", "web/web-1"]):
            done = run([BINARY, *command, "--admin", self.scene.dir / "no.sock"], check=False)
            self.assertEqual(done.returncode, 1, command)
            self.assertIn("no.sock", done.stderr)

    def test_random_and_truncated_files_are_refused_without_a_crash(self):
        import random

        seed = 20240607
        source = random.Random(seed)
        text = (ROOT / "examples").glob("*.toml")
        whole = "".join(path.read_text() for path in sorted(text)) or _GOOD
        for i in range(150):
            cut = bytearray(whole[:source.randrange(len(whole))].encode())
            for _ in range(source.randrange(6)):
                if cut:
                    cut[source.randrange(len(cut))] = source.randrange(256)
            path = self.scene.dir / "odd.toml"
            path.write_bytes(bytes(cut))
            done = check(path)
            self.assertIn(done.returncode, (0, 1), f"seed {seed}, file {i}: {done.stderr[-500:]}")
