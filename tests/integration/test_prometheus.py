"""A real Prometheus scrapes Tandem, and promtool finds nothing wrong with what it gets."""

import subprocess
import urllib.request

from harness import prometheus
from harness.case import Case, program
from harness.ports import free_port
from harness.process import wait_until
from harness.prometheus import Prometheus
from harness.servers import TcpServer, greeter, who_answers
from harness.tandem import Tandem, backends


class Scrape(Case):
    needs = prometheus.NEEDS

    @classmethod
    def set_up_scene(cls):
        cls.server = cls.scene.add(TcpServer("127.0.0.1", free_port(), greeter("only")))
        cls.port, cls.admin_port = free_port(), free_port()
        cls.tandem = Tandem(cls.scene, f"""
[admin]
listen = "127.0.0.1:{cls.admin_port}"
socket = "@socket@"
[cluster.app]
backends = {backends({"only": cls.server.address, "gone": f"127.0.0.1:{free_port()}"})}
[cluster.app.probe]
type = "tcp"
interval = "200ms"
[pool.app]
cluster = "app"
[listener.app]
bind = ["127.0.0.1:{cls.port}"]
pool = "app"
""")
        cls.tandem.wait_up("app", "only")
        for _ in range(20):
            who_answers("127.0.0.1", cls.port)

    def test_prometheus_scrapes_it(self):
        server = Prometheus(self.scene, f"127.0.0.1:{self.admin_port}")
        wait_until(lambda: server.query("up == 1"), "the target is up", 30, 0.3)

        self.assertEqual(server.target_problem(), "")
        ups = {labels["backend"]: value for labels, value in server.query("tandem_backend_up")}
        self.assertEqual(ups, {"only": 1, "gone": 0})
        self.assertEqual([value for _, value in server.query("sum(tandem_pool_connections_total)")], [20])
        self.assertTrue(server.query("tandem_session_duration_seconds_bucket"))
        self.assertTrue(server.query("process_resident_memory_bytes{job='tandem'} > 0"))

    def test_promtool_finds_nothing_wrong(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/metrics", timeout=5) as answer:
            text = answer.read().decode()

        done = subprocess.run([program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True,
                              timeout=30)

        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
