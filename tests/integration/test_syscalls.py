"""What a request through an established session costs in system calls."""

import re
import socket

from harness.case import Case, figure, program
from harness.ports import free_port
from harness.process import descendants, run, wait_until
from harness.servers import TcpServer, echo
from harness.tandem import Tandem, backends

_REQUESTS = 5000


class SystemCalls(Case):
    needs = {"strace": "strace"}

    @classmethod
    def set_up_scene(cls):
        cls.summary = cls.scene.dir / "strace.txt"
        probe = run([program("strace"), "-c", "-o", cls.summary, "true"], check=False)
        if probe.returncode != 0:
            cls.skipTest(cls, f"strace may not trace here: {probe.stderr.strip()}")
        cls.server = cls.scene.add(TcpServer("127.0.0.1", free_port(), echo))
        cls.port = free_port()
        # No probe, one worker: what is left is the session.
        cls.tandem = Tandem(cls.scene, f"""
[node]
workers = 1
[admin]
listen = ""
socket = "@socket@"
[cluster.app]
backends = {backends({"only": cls.server.address})}
[pool.app]
cluster = "app"
[listener.app]
bind = ["127.0.0.1:{cls.port}"]
pool = "app"
""", prefix=[program("strace"), "-f", "-c", "-o", cls.summary])

    def counts(self):
        """{system call: how often} of the whole run."""
        found = {}
        for line in self.summary.read_text().splitlines():
            match = re.fullmatch(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)", line)
            if match and match[2] != "total":
                found[match[2]] = int(match[1])
        return found

    def test_a_request_costs_two_receives_and_two_sends(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as session:
            session.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(_REQUESTS):
                session.sendall(b"ping")
                self.assertEqual(session.recv(16), b"ping")
        watcher = descendants(self.tandem.process.pid)[0]  # strace follows it and the process that serves
        run(["kill", "-TERM", watcher])
        self.tandem.process.wait(15)
        wait_until(lambda: self.counts(), "strace wrote its summary")

        counts = self.counts()

        def per_request(*names):
            return sum(counts.get(name, 0) for name in names) / _REQUESTS

        receives = per_request("recvfrom", "recvmsg", "read", "readv")
        sends = per_request("sendto", "sendmsg", "write", "writev")
        waits = per_request("epoll_wait", "epoll_pwait", "epoll_pwait2")
        changes = per_request("epoll_ctl")
        others = (sum(counts.values()) / _REQUESTS) - receives - sends - waits - changes
        figure(f"system calls a request: {receives:.2f} receives, {sends:.2f} sends, {waits:.2f} waits, "
               f"{changes:.2f} epoll_ctl, {others:.2f} others")
        # The start and the end of the process are in the counts too.
        self.assertLess(receives, 2.2)
        self.assertLess(sends, 2.2)
        self.assertLess(waits, 2.2)
        self.assertLess(changes, 0.1)
        self.assertLess(others, 0.5)


