"""A process limit of 256 file descriptors and 400 clients: no crash, refusals counted, full service afterwards."""

import socket

from harness.case import Case, figure
from harness.ports import free_port
from harness.process import wait_until
from harness.servers import TcpServer, greeter, read_line, who_answers
from harness.tandem import Tandem, backends


class FileDescriptors(Case):
    @classmethod
    def set_up_scene(cls):
        cls.server = cls.scene.add(TcpServer("127.0.0.1", free_port(), greeter("only")))
        cls.port = free_port()
        cls.tandem = Tandem(cls.scene, f"""
[cluster.app]
backends = {backends({"only": cls.server.address})}
[cluster.app.probe]
type = "tcp"
interval = "200ms"
[pool.app]
cluster = "app"
[listener.app]
bind = ["127.0.0.1:{cls.port}"]
pool = "app"
""", limit_files=256)
        cls.tandem.wait_up("app", "only")

    def connect(self):
        """None: it was refused before connect() had returned."""
        try:
            return socket.create_connection(("127.0.0.1", self.port), timeout=10)
        except ConnectionError:
            return None

    def served(self, client):
        """True: it got through, False: it was refused."""
        if client is None:
            return False
        try:
            return read_line(client, timeout=10) == "only"
        except ConnectionError:
            return False

    def test_400_clients_meet_a_limit_of_256(self):
        clients = [self.connect() for _ in range(400)]
        results = [self.served(client) for client in clients]
        served = results.count(True)
        refused = results.count(False)
        figure(f"with 256 file descriptors {served} of 400 clients were served and {refused} refused")
        self.assertTrue(self.tandem.process.is_running())
        self.assertGreater(served, 50)
        # Who is in is served on.
        for client, was_served in zip(clients, results):
            if was_served:
                client.sendall(b"echo\n")
                self.assertEqual(read_line(client), "echo")
        for client in clients:
            if client is not None:
                client.close()

        wait_until(lambda: self.tandem.metric("tandem_listener_connections_active", listener="app") == 0,
                   "everybody has left", 20)
        self.assertEqual(self.tandem.metric("tandem_listener_rejected_total", listener="app")
                         + self.tandem.metric("tandem_sessions_closed_total", pool="app", cause="error")
                         + self.tandem.metric("tandem_sessions_closed_total", pool="app", cause="limit"), refused)
        self.assertTrue(self.tandem.up("app", "only"))
        self.assertEqual([who_answers("127.0.0.1", self.port) for _ in range(50)], ["only"] * 50)
