"""The examples as they stand."""

from harness import nginx
from harness.case import ROOT, Case
from harness.examples import example
from harness.load import Load, failures
from harness.nginx import Nginx
from harness.ports import free_port
from harness.process import wait_until
from harness.tandem import Tandem, check

_EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))


class Files(Case):
    def test_every_example_passes_check(self):
        self.assertTrue(_EXAMPLES)
        for path in _EXAMPLES:
            with self.subTest(path.name):
                done = check(path)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertEqual(done.stderr, "")

    def test_every_example_has_its_page(self):
        for path in _EXAMPLES:
            with self.subTest(path.name):
                page = ROOT / "docs" / f"{path.stem.removesuffix('-a').removesuffix('-b')}.md"
                self.assertIn(f"examples/{path.name}", page.read_text())


class WebFleet(Case):
    needs = nginx.NEEDS

    def test_the_web_fleet_serves(self):
        servers = [Nginx(self.scene, f"web-{i}") for i in (1, 2, 3)]
        port = free_port()
        tandem = Tandem(self.scene, example("web-fleet.toml", {
            **{f"127.0.0.1:808{i}": server.address for i, server in enumerate(servers, 1)},
            "127.0.0.1:8080": f"127.0.0.1:{port}",
            "127.0.0.1:8404": f"127.0.0.1:{free_port()}",
        }))
        tandem.wait_up("web", "web-1", "web-2", "web-3")

        report = Load(self.scene, port, rate=500, seconds=2).report()
        self.assertEqual(failures(report), 0, report)
        self.assertEqual(set(report["answers"]), {"web-1", "web-2", "web-3"})

        # Every server is gone: the page says that they are tried all the same.
        for server in servers:
            server.kill()
        wait_until(lambda: tandem.metric("tandem_pool_fail_open", pool="web") == 1, "none is well", 20)
        servers[1].start()
        report = Load(self.scene, port, rate=50, seconds=1).report()
        self.assertEqual(set(report["answers"]), {"web-2"})
        self.assertEqual(failures(report), 0, report)
