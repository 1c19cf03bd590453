"""Three nginx behind Tandem: one dies, one is drained, and twenty reloads pass under 2,000 connections a second."""

import socket
import time

from harness import nginx
from harness.case import Case, figure
from harness.load import Load, failures
from harness.nginx import Nginx
from harness.ports import free_port
from harness.process import wait_until
from harness.servers import TcpServer, echo, read_line
from harness.tandem import Tandem, backends


def fleet(web, port, *, cluster_more="", more=""):
    """The configuration of the fleet: {name: address} behind one listener."""
    return f"""
[cluster.web]
backends = {backends(web)}
{cluster_more}
[cluster.web.probe]
type = "http"
path = "/health"
expect_body = "ok"
interval = "300ms"
fast_interval = "100ms"
timeout = "1s"
[pool.web]
cluster = "web"
[listener.web]
bind = ["127.0.0.1:{port}"]
pool = "web"
{more}
"""


class Fleet(Case):
    """Three servers and a Tandem in front of them, anew for every test."""

    needs = nginx.NEEDS

    def setUp(self):
        self.web = {name: Nginx(self.scene, f"{name}-{self._testMethodName[5:25]}") for name in ("web-1", "web-2", "web-3")}
        self.addCleanup(lambda: [server.stop() for server in self.web.values()])
        self.addresses = {name: server.address for name, server in self.web.items()}
        self.port = free_port()
        self.tandem = Tandem(self.scene, fleet(self.addresses, self.port), name=self._testMethodName[5:25])
        self.addCleanup(self.tandem.stop)
        self.tandem.wait_up("web", *self.web)

    def answering(self):
        report = Load(self.scene, self.port, rate=200, seconds=0.5).report()
        return {name[:5] for name in report["answers"]}


class WebFleet(Fleet):
    def test_a_dead_server_costs_no_client_its_answer(self):
        load = Load(self.scene, self.port, rate=500, seconds=5)
        time.sleep(1)
        self.web["web-2"].kill()
        killed = time.monotonic()
        wait_until(lambda: not self.tandem.up("web", "web-2"), "the probe has noticed")
        noticed = time.monotonic() - killed
        report = load.report()

        # What the dead server had accepted is lost with it; everybody else is served.
        figure(f"a killed server: noticed after {noticed:.2f} s, {failures(report)} of {report['attempted']} lost")
        self.assertEqual(report["connect_failed"] + report["timed_out"], 0, report)
        self.assertLessEqual(failures(report), 5, report)
        self.assertEqual(self.answering(), {"web-1", "web-3"})

        self.web["web-2"].start()
        self.tandem.wait_up("web", "web-2")
        self.assertEqual(self.answering(), {"web-1", "web-2", "web-3"})

    def test_drain_and_ready(self):
        done = self.tandem.command("drain", "web/web-3", "--for", "10m", "--reason", "new kernel")
        self.assertIn("web-3", done.stdout)
        self.assertEqual(self.answering(), {"web-1", "web-2"})
        self.assertIn("new kernel", self.tandem.command("status").stdout)

        self.tandem.reload()
        self.assertEqual(self.answering(), {"web-1", "web-2"})

        self.tandem.command("ready", "web/web-3")
        self.assertEqual(self.answering(), {"web-1", "web-2", "web-3"})

        for wrong in ("web/web-9", "shop/web-1", "web"):
            refused = self.tandem.command("drain", wrong, check=False)
            self.assertIn(refused.returncode, (1, 2), wrong)
            self.assertNotEqual(refused.stderr, "", wrong)

    def test_drain_ends_by_itself(self):
        self.tandem.command("drain", "web/web-3", "--for", "700ms")
        self.assertEqual(self.answering(), {"web-1", "web-2"})

        wait_until(lambda: self.answering() == {"web-1", "web-2", "web-3"}, "the drain is over")

    def test_status_names_everybody(self):
        text = self.tandem.command("status").stdout
        for name in ("web-1", "web-2", "web-3", "web"):
            self.assertIn(name, text)
        status = self.tandem.status()
        names = [b["name"] for b in status["clusters"][0]["backends"]]
        self.assertEqual(names, ["web-1", "web-2", "web-3"])


class Reload(Fleet):
    def test_twenty_reloads_under_load(self):
        long_server = self.scene.add(TcpServer("127.0.0.1", free_port(), echo))
        long_port = free_port()
        long_part = f"""
[cluster.long]
backends = {backends({"long": long_server.address})}
[pool.long]
cluster = "long"
[listener.long]
bind = ["127.0.0.1:{long_port}"]
pool = "long"
"""
        extra = Nginx(self.scene, "web-4")
        dead = f"127.0.0.1:{free_port()}"
        everybody = {**self.addresses, "dead": dead}
        self.tandem.write(fleet(everybody, self.port, more=long_part))
        self.tandem.reload()
        wait_until(lambda: "dead" in {l["backend"] for l, _ in self.tandem.samples("tandem_backend_up")}
                   and not self.tandem.up("web", "dead"), "the dead server is known to be dead")
        session = socket.create_connection(("127.0.0.1", long_port))
        self.addCleanup(session.close)
        session.sendall(b"before\n")
        self.assertEqual(read_line(session), "before")
        to_dead = self.tandem.metric("tandem_backend_connect_failures_total", backend="dead")
        total = self.tandem.metric("tandem_listener_connections_total", listener="web")

        load = Load(self.scene, self.port, rate=2000, seconds=12)
        time.sleep(0.5)
        other_port = free_port()
        slowest = 0.0
        for turn in range(20):
            servers = dict(everybody)
            if turn % 2:
                servers["web-4"] = extra.address
            if turn % 3 == 0:
                del servers["web-2"]
            more = long_part
            if turn % 4 == 1:
                more += f'[pool.other]\ncluster = "web"\nbalance = "maglev"\n' \
                        f'[listener.other]\nbind = ["127.0.0.1:{other_port}"]\npool = "other"\n'
            if turn % 5 == 2:
                more = more.replace('[pool.long]', '[pool.long]\nconnect_timeout = "2s"')
            self.tandem.write(fleet(servers, self.port, more=more))
            started = time.monotonic()
            self.tandem.reload()
            slowest = max(slowest, time.monotonic() - started)
            self.assertTrue(load.is_running())
            time.sleep(0.3)
        report = load.report()
        figure(f"20 reloads under {report['rate']:.0f} connections/s: {failures(report)} of {report['attempted']} failed, "
               f"p99 {report['p99_ms']:.1f} ms, slowest reload command {slowest * 1000:.0f} ms")

        self.assertEqual(failures(report), 0, report)
        self.assertGreater(report["rate"], 1500)
        self.assertEqual(self.tandem.metric("tandem_backend_connect_failures_total", backend="dead"), to_dead)
        self.assertEqual(self.tandem.metric("tandem_listener_connections_total", listener="web"),
                         total + report["attempted"])
        session.sendall(b"after\n")
        self.assertEqual(read_line(session), "after")

    def test_a_removed_listener_closes_and_a_new_one_opens(self):
        new_port = free_port()
        self.tandem.write(fleet(self.addresses, new_port))
        self.tandem.reload()

        self.port, old_port = new_port, self.port
        self.assertEqual(self.answering(), {"web-1", "web-2", "web-3"})
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", old_port), timeout=5)

    def test_a_removed_backend_keeps_its_sessions(self):
        servers = {name: self.scene.add(TcpServer("127.0.0.1", free_port(), echo)) for name in ("stays", "goes")}
        port = free_port()

        def text(names):
            return (f'[cluster.echo]\nbackends = {backends({n: servers[n].address for n in names})}\n'
                    f'[pool.echo]\ncluster = "echo"\nbalance = "round_robin"\n'
                    f'[listener.echo]\nbind = ["127.0.0.1:{port}"]\npool = "echo"\n')

        self.tandem.write(text(["stays", "goes"]))
        self.tandem.reload()
        sessions = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
        for session in sessions:
            self.addCleanup(session.close)
            session.sendall(b"one\n")
            self.assertEqual(read_line(session), "one")
        self.assertEqual(servers["goes"].open_connections(), 2)

        self.tandem.write(text(["stays"]))
        self.tandem.reload()
        for session in sessions:
            session.sendall(b"two\n")
            self.assertEqual(read_line(session), "two")
        with socket.create_connection(("127.0.0.1", port)) as later:
            later.sendall(b"x\n")
            read_line(later)
        self.assertEqual(servers["goes"].accepted, 2)

    def test_a_broken_file_changes_nothing_and_says_so(self):
        good = fleet(self.addresses, self.port)
        self.tandem.write(good.replace('"http"', '"htpp"').replace("interval", "intervall", 1))
        failed = self.tandem.reload(check=False)

        self.assertEqual(failed.returncode, 1)
        self.assertIn("htpp", failed.stderr + failed.stdout)
        self.assertIn("intervall", failed.stderr + failed.stdout)
        self.assertEqual(self.tandem.metric("tandem_config_last_reload_successful"), 0)
        self.assertEqual(self.answering(), {"web-1", "web-2", "web-3"})

        self.tandem.write(good)
        self.tandem.signal_reload()
        wait_until(lambda: self.tandem.metric("tandem_config_last_reload_successful") == 1,
                   "the good file, equal to the running one, counts as a success")
        self.assertEqual(self.answering(), {"web-1", "web-2", "web-3"})

    def test_a_listener_that_cannot_be_bound_changes_nothing(self):
        taken = self.scene.add(TcpServer("127.0.0.1", free_port(), echo))
        self.tandem.write(fleet(self.addresses, self.port, more=f"""
[listener.taken]
bind = ["{taken.address}"]
pool = "web"
"""))
        failed = self.tandem.reload(check=False)

        self.assertEqual(failed.returncode, 1)
        self.assertIn(taken.address, failed.stderr + failed.stdout)
        self.assertEqual(self.answering(), {"web-1", "web-2", "web-3"})

    def test_a_reload_with_5000_backends_is_quick(self):
        many = {f"b{i}": f"127.1.{i // 250}.{i % 250 + 1}:{self.web['web-1'].port}" for i in range(5000)}
        slow = 'interval = "300ms"'
        text = fleet(many, self.port).replace(slow, 'interval = "60s"')
        self.tandem.write(text)
        self.tandem.reload()

        times = []
        for weight in (50, 60, 70):
            first = {**many, "b0": (many["b0"], f"weight = {weight}")}
            self.tandem.write(fleet(first, self.port).replace(slow, 'interval = "60s"'))
            started = time.monotonic()
            self.tandem.reload()
            times.append(time.monotonic() - started)
        figure(f"reloads with 5,000 backends, command included: {', '.join(f'{t * 1000:.0f} ms' for t in times)}")
        self.assertLess(min(times), 0.2)
