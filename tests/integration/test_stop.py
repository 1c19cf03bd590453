"""Ending: SIGTERM drains, a second one does not wait."""

import signal
import socket
import time

from harness.case import Case
from harness.ports import free_port
from harness.process import wait_until
from harness.servers import TcpServer, echo, read_line
from harness.tandem import Tandem, backends


class Stop(Case):
    def setUp(self):
        self.server = TcpServer("127.0.0.1", free_port(), echo)
        self.addCleanup(self.server.stop)
        self.port = free_port()
        self.tandem = Tandem(self.scene, f"""
[node]
shutdown_timeout = "3s"
[admin]
listen = ""
socket = "@socket@"
[cluster.app]
backends = {backends({"only": self.server.address})}
[pool.app]
cluster = "app"
[listener.app]
bind = ["127.0.0.1:{self.port}"]
pool = "app"
""", name=self._testMethodName[5:35])
        self.addCleanup(self.tandem.stop)
        self.session = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        self.addCleanup(self.session.close)
        self.assert_echoes("hello")

    def assert_echoes(self, text):
        self.session.sendall(text.encode() + b"\n")
        self.assertEqual(read_line(self.session), text)

    def refuses(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except ConnectionRefusedError:
            return True
        return False

    def test_sigterm_lets_sessions_end(self):
        self.tandem.process.signal(signal.SIGTERM)
        wait_until(self.refuses, "new clients are refused")
        self.assert_echoes("still served")
        self.assertTrue(self.tandem.process.is_running())

        self.session.close()

        self.assertEqual(self.tandem.process.wait(5), 0)
        self.assertFalse(self.tandem.socket.exists())

    def test_sessions_that_do_not_end_are_ended(self):
        started = time.monotonic()
        self.tandem.process.signal(signal.SIGTERM)

        self.assertEqual(self.tandem.process.wait(10), 0)
        took = time.monotonic() - started
        self.assertGreater(took, 2)
        self.assertLess(took, 5)

    def test_a_second_sigterm_ends_it_at_once(self):
        self.tandem.process.signal(signal.SIGTERM)
        wait_until(self.refuses, "new clients are refused")
        time.sleep(0.05)  # two that come together count as one
        started = time.monotonic()
        self.tandem.process.signal(signal.SIGTERM)

        self.tandem.process.wait(5)
        self.assertLess(time.monotonic() - started, 1)

    def test_a_second_node_on_the_same_address_says_what_is_wrong(self):
        other = Tandem(self.scene, self.tandem.config.read_text().replace("admin.sock", "other.sock"), name="second",
                       wait=False)
        status = other.process.wait(10)

        self.assertEqual(status, 1)
        self.assertIn(f"127.0.0.1:{self.port}", other.log())
        self.assert_echoes("undisturbed")
