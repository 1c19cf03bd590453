"""The admin API under bad input and from strangers, while sessions go on."""

import os
import random
import socket

from harness.case import Case
from harness.ports import free_port
from harness.process import wait_until
from harness.servers import TcpServer, echo, read_line
from harness.tandem import Tandem, backends

_TOKEN = "a-token-for-this-test-only"


class Admin(Case):
    @classmethod
    def set_up_scene(cls):
        cls.server = cls.scene.add(TcpServer("127.0.0.1", free_port(), echo))
        cls.port, cls.admin_port = free_port(), free_port()
        token_file = cls.scene.dir / "token"
        token_file.write_text(_TOKEN + "\n")
        token_file.chmod(0o600)
        cls.tandem = Tandem(cls.scene, f"""
[admin]
listen = "127.0.0.1:{cls.admin_port}"
socket = "@socket@"
token_file = "{token_file}"
[cluster.app]
backends = {backends({"only": cls.server.address})}
[pool.app]
cluster = "app"
[listener.app]
bind = ["127.0.0.1:{cls.port}"]
pool = "app"
""")

    def setUp(self):
        self.session = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        self.addCleanup(self.session.close)

    def assert_undisturbed(self):
        self.session.sendall(b"still here\n")
        self.assertEqual(read_line(self.session), "still here")
        self.assertTrue(self.tandem.process.is_running())
        self.assertEqual(self.tandem.get("/healthz")[0], 200)

    def over_tcp(self, raw, *, end=False):
        """What the API answers to these bytes."""
        with socket.create_connection(("127.0.0.1", self.admin_port), timeout=15) as connection:
            answer = b""
            try:
                connection.sendall(raw)
                if end:
                    connection.shutdown(socket.SHUT_WR)
                while chunk := connection.recv(65536):
                    answer += chunk
            except ConnectionError:
                pass
            return answer.decode(errors="replace")

    def ask(self, method, path, *, headers="", body="", host=None):
        host = host or f"127.0.0.1:{self.admin_port}"
        answer = self.over_tcp(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}"
                               f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        return int(answer.split()[1]) if answer else 0

    def test_statuses_mean_what_http_means(self):
        self.assertEqual(self.ask("GET", "/api/v1/status"), 200)
        self.assertEqual(self.ask("GET", "/metrics"), 200)
        self.assertEqual(self.ask("GET", "/healthz"), 200)
        self.assertEqual(self.ask("GET", "/readyz"), 200)
        self.assertEqual(self.ask("GET", "/api/v1/events"), 200)
        self.assertEqual(self.ask("GET", "/nothing"), 404)
        self.assertEqual(self.ask("DELETE", "/api/v1/status"), 405)
        self.assertEqual(self.ask("GET", "/api/v1/reload"), 405)

    def test_commands_over_tcp_need_the_token(self):
        drain = "/api/v1/clusters/app/backends/only/drain"
        self.assertEqual(self.ask("POST", drain), 401)
        self.assertIn(self.ask("POST", drain, headers="Authorization: Bearer wrong\r\n"), (401, 403))
        right = f"Authorization: Bearer {_TOKEN}\r\n"
        self.assertEqual(self.ask("POST", drain, headers=right, body="{}"), 200)
        self.assertEqual(self.ask("POST", drain.replace("drain", "ready"), headers=right), 200)
        self.assertEqual(self.ask("POST", drain.replace("only", "other"), headers=right, body="{}"), 404)
        self.assertEqual(self.ask("POST", drain, headers=right, body="{nonsense"), 400)
        self.assertEqual(self.ask("POST", drain, headers=right, body="x" * 1_000_000), 413)
        self.assertEqual(self.ask("POST", "/api/v1/reload", headers=right), 200)

    def test_a_foreign_host_header_is_refused(self):
        self.assertEqual(self.ask("GET", "/api/v1/status", host="evil.example"), 403)

    def test_garbage_over_tcp_and_the_unix_socket_harms_nobody(self):
        seed = 7
        source = random.Random(seed)
        for i in range(60):
            raw = source.randbytes(source.randrange(1, 3000))
            if i % 3 == 0:
                raw = b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n" + raw
            self.over_tcp(raw, end=True)
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(15)
                connection.connect(str(self.tandem.socket))
                connection.sendall(raw)
        answer = self.over_tcp(b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000, end=True)
        self.assertNotIn(" 200 ", answer.split("\r\n")[0])
        self.assert_undisturbed()

    def test_clients_that_say_nothing_do_not_keep_others_out(self):
        silent = []
        for _ in range(200):
            connection = socket.socket(socket.AF_UNIX)
            connection.setblocking(False)
            try:
                connection.connect(str(self.tandem.socket))
            except BlockingIOError:
                pass
            silent.append(connection)
        try:
            self.session.sendall(b"during\n")
            self.assertEqual(read_line(self.session), "during")
        finally:
            for connection in silent:
                connection.close()
        wait_until(lambda: self.tandem.get("/healthz")[0] == 200, "the socket answers again")

    def test_only_its_user_may_open_the_socket(self):
        self.assertEqual(os.stat(self.tandem.socket).st_mode & 0o007, 0)
