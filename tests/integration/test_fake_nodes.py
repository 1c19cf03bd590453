"""Who gets the writes and the reads when Patroni's REST API says odd things. The nodes are fakes that say what they
are told; connections are real."""

import socket
import threading
import time
import unittest

from harness.case import Case
from harness.ports import free_port
from harness.process import wait_until
from harness.servers import (RestNode, TcpServer, greeter, http_answer, patroni_primary, patroni_replica, read_line,
                             who_answers)
from harness.tandem import Tandem, backends

_HOSTS = {"pg-0": "127.0.12.1", "pg-1": "127.0.12.2", "pg-2": "127.0.12.3"}
_MB = 1_000_000


class FakeNodes(Case):
    """Every test starts with three fresh nodes and a fresh Tandem."""

    def setUp(self):
        self.sql_port, self.rest_port = free_port(*_HOSTS.values()), free_port(*_HOSTS.values())
        self.write_port, self.read_port = free_port(), free_port()
        self.rest = {name: RestNode(host, self.rest_port) for name, host in _HOSTS.items()}
        self.sql = {name: TcpServer(host, self.sql_port, greeter(name)) for name, host in _HOSTS.items()}
        self.tandem = None

    def tearDown(self):
        if self.tandem:
            self.tandem.stop()
        for server in [*self.rest.values(), *self.sql.values()]:
            server.stop()

    def start(self, *, hold="1s", wait_for=(), **answers):
        for name, answer in answers.items():
            self.rest[name.replace("_", "-")].answer = answer
        addresses = backends({name: f"{host}:{self.sql_port}" for name, host in _HOSTS.items()})
        self.tandem = Tandem(self.scene, f"""
[cluster.orders]
backends = {addresses}
[cluster.orders.probe]
type = "patroni"
port = {self.rest_port}
interval = "200ms"
fast_interval = "100ms"
timeout = "500ms"
[pool.write]
cluster = "orders"
role = "primary"
hold = "{hold}"
[pool.read]
cluster = "orders"
role = "replica"
max_lag = "1MB"
fallback = "write"
[listener.write]
bind = ["127.0.0.1:{self.write_port}"]
pool = "write"
[listener.read]
bind = ["127.0.0.1:{self.read_port}"]
pool = "read"
""", name=self._testMethodName[5:35])
        if wait_for:
            self.tandem.wait_up("orders", *wait_for)

    def writer(self, timeout=5):
        return who_answers("127.0.0.1", self.write_port, timeout)

    def readers(self, count=12):
        return {who_answers("127.0.0.1", self.read_port) for _ in range(count)}

    def conflict(self):
        return self.tandem.metric("tandem_cluster_primary_conflict", cluster="orders")

    def wait_writer(self, name):
        wait_until(lambda: self.writer() == name, f"{name} gets the writes")

    def test_one_primary_gets_the_writes_and_the_replicas_the_reads(self):
        self.start(pg_0=patroni_replica(), pg_1=patroni_primary(), pg_2=patroni_replica(), wait_for=_HOSTS)

        self.assertEqual({self.writer() for _ in range(5)}, {"pg-1"})
        self.assertEqual(self.readers(), {"pg-0", "pg-2"})
        self.assertEqual(self.tandem.role("orders", "pg-1"), "primary")
        self.assertEqual(self.conflict(), 0)

    def test_of_two_primaries_the_higher_timeline_gets_the_writes(self):
        self.start(pg_0=patroni_primary(4), pg_1=patroni_primary(5), pg_2=patroni_replica(5), wait_for=_HOSTS)
        wait_until(lambda: self.conflict() == 1, "the conflict is seen")

        self.assertEqual({self.writer() for _ in range(10)}, {"pg-1"})
        self.assertEqual(self.tandem.metric("tandem_backend_connections_total", backend="pg-0"), 0)

        self.rest["pg-0"].answer = patroni_replica(5)
        wait_until(lambda: self.conflict() == 0, "the conflict is over")
        self.assertEqual(self.writer(), "pg-1")

    def test_of_two_primaries_with_equal_timelines_nobody_gets_the_writes(self):
        self.start(pg_0=patroni_primary(4), pg_1=patroni_primary(4), pg_2=patroni_replica(4), hold="300ms",
                   wait_for=_HOSTS)
        wait_until(lambda: self.conflict() == 1, "the conflict is seen")

        self.assertEqual({self.writer() for _ in range(5)}, {""})
        self.assertEqual(self.tandem.metric("tandem_backend_connections_total"), 0)
        self.assertEqual(self.tandem.eligible("write"), 0)

        self.rest["pg-0"].answer = patroni_replica(4)
        self.wait_writer("pg-1")
        self.assertEqual(self.conflict(), 0)

    def test_of_two_with_equal_timelines_the_one_whose_promotion_was_seen_last_gets_the_writes(self):
        self.start(pg_0=patroni_primary(4), pg_1=patroni_replica(4), pg_2=patroni_replica(4), wait_for=_HOSTS)
        self.wait_writer("pg-0")

        self.rest["pg-1"].answer = patroni_primary(4)

        self.wait_writer("pg-1")
        self.assertEqual(self.conflict(), 1)
        self.assertEqual({self.writer() for _ in range(5)}, {"pg-1"})

    def test_sessions_of_a_demoted_primary_end_with_a_reset_at_once(self):
        self.start(pg_0=patroni_primary(4), pg_1=patroni_replica(4), pg_2=patroni_replica(4), wait_for=_HOSTS)
        session = socket.create_connection(("127.0.0.1", self.write_port))
        self.addCleanup(session.close)
        self.assertEqual(read_line(session), "pg-0")

        self.rest["pg-0"].answer = patroni_replica(4)
        changed = time.monotonic()
        session.settimeout(5)
        with self.assertRaises(ConnectionResetError):
            session.recv(1)

        self.assertLess(time.monotonic() - changed, 1.0)
        wait_until(lambda: self.tandem.metric("tandem_sessions_closed_total", pool="write", cause="severed_role") == 1,
                   "the cause is counted")

    def test_without_a_primary_clients_wait_until_one_appears(self):
        self.start(pg_0=patroni_replica(), pg_1=patroni_replica(), pg_2=patroni_replica(), hold="20s", wait_for=_HOSTS)
        answers = []
        clients = [threading.Thread(target=lambda: answers.append(self.writer(20))) for _ in range(8)]
        for client in clients:
            client.start()
        wait_until(lambda: self.tandem.metric("tandem_pool_held", pool="write") == 8, "eight clients are held")

        self.rest["pg-2"].answer = patroni_primary(2)
        for client in clients:
            client.join(20)

        self.assertEqual(answers, ["pg-2"] * 8)
        self.assertEqual(self.tandem.metric("tandem_pool_held", pool="write"), 0)

    def test_a_held_client_is_reset_when_its_time_is_up(self):
        self.start(pg_0=patroni_replica(), pg_1=patroni_replica(), pg_2=patroni_replica(), hold="400ms",
                   wait_for=_HOSTS)
        with socket.create_connection(("127.0.0.1", self.write_port), timeout=5) as client:
            opened = time.monotonic()
            with self.assertRaises(ConnectionResetError):
                client.recv(1)
            waited = time.monotonic() - opened

        self.assertGreater(waited, 0.3)
        self.assertLess(waited, 3)
        wait_until(lambda: self.tandem.metric("tandem_sessions_closed_total", pool="write", cause="hold_timeout") == 1,
                   "the cause is counted")

    def test_a_lagging_replica_takes_no_reads(self):
        self.start(pg_0=patroni_primary(), pg_1=patroni_replica(), wait_for=_HOSTS,
                   pg_2=patroni_replica(received=100 * _MB, replayed=50 * _MB))
        wait_until(lambda: self.tandem.eligible("read") == 1, "one replica is fit to read from")
        self.assertEqual(self.readers(), {"pg-1"})

        self.rest["pg-2"].answer = patroni_replica()
        wait_until(lambda: self.tandem.eligible("read") == 2, "it has caught up")
        self.assertEqual(self.readers(), {"pg-1", "pg-2"})

    def test_reads_fall_back_to_the_primary_and_return(self):
        self.start(pg_0=patroni_primary(), pg_1=patroni_replica(), pg_2=http_answer(503, {"state": "starting"}),
                   wait_for=["pg-0", "pg-1"])
        self.assertEqual(self.readers(), {"pg-1"})

        self.rest["pg-1"].stop()
        wait_until(lambda: self.tandem.metric("tandem_pool_fallback_active", pool="read") == 1, "the fallback is on")
        self.assertEqual(self.readers(), {"pg-0"})

        self.rest["pg-1"] = RestNode(_HOSTS["pg-1"], self.rest_port, patroni_replica())
        wait_until(lambda: self.tandem.metric("tandem_pool_fallback_active", pool="read") == 0, "the fallback is off")
        self.assertEqual(self.readers(), {"pg-1"})

    def test_bad_answers_take_a_node_out_and_disturb_nobody(self):
        def endless_headers(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            for _ in range(100_000):
                connection.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")

        def endless_body(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
            for _ in range(100_000):
                connection.sendall(b" " * 1000)

        def cut_short(connection):
            connection.sendall(patroni_replica()[:-20])

        odd = {
            "garbage": b"\x00\xff\x16\x03garbage\r\n\r\n" * 50,
            "not JSON": http_answer(200, "{\"role\": \"master\", "),
            "deep JSON": http_answer(200, "[" * 20_000),
            "wrong types": http_answer(200, {"role": 7, "state": [], "timeline": "x", "xlog": "y"}),
            "endless headers": endless_headers,
            "endless body": endless_body,
            "cut short": cut_short,
            "silence": None,
        }
        self.start(pg_0=patroni_primary(), pg_1=patroni_replica(), pg_2=patroni_replica(), wait_for=_HOSTS)
        session = socket.create_connection(("127.0.0.1", self.write_port))
        self.addCleanup(session.close)
        read_line(session)

        for kind, answer in odd.items():
            with self.subTest(kind):
                self.rest["pg-2"].answer = answer
                wait_until(lambda: self.tandem.eligible("read") == 1, f"{kind}: the node is out")
                self.assertEqual(self.readers(4), {"pg-1"})
                self.assertEqual(self.writer(), "pg-0")
                session.sendall(b"still here\n")
                self.assertEqual(read_line(session), "still here")
                self.rest["pg-2"].answer = patroni_replica()
                wait_until(lambda: self.tandem.eligible("read") == 2, f"after {kind}: the node is back")
        self.assertLess(self.tandem.metric("process_resident_memory_bytes"), 200 * _MB)

    def test_an_answer_byte_by_byte_counts(self):
        def slowly(connection):
            for byte in patroni_primary(9):
                connection.sendall(bytes([byte]))

        self.start(pg_0=slowly, pg_1=patroni_replica(9), pg_2=patroni_replica(9), wait_for=_HOSTS)

        self.assertEqual(self.writer(), "pg-0")

    def test_a_primary_whose_port_does_not_listen_yet_gets_its_clients_when_it_does(self):
        self.sql["pg-0"].stop()
        self.start(pg_0=patroni_primary(), pg_1=patroni_replica(), pg_2=patroni_replica(), hold="20s",
                   wait_for=["pg-1", "pg-2"])
        wait_until(lambda: self.rest["pg-0"].asked > 2, "the REST API says primary")
        answers = []
        clients = [threading.Thread(target=lambda: answers.append(self.writer(20))) for _ in range(5)]
        for client in clients:
            client.start()
        wait_until(lambda: self.tandem.metric("tandem_pool_held", pool="write") == 5, "five clients are held")
        self.assertEqual(answers, [])

        self.sql["pg-0"] = TcpServer(_HOSTS["pg-0"], self.sql_port, greeter("pg-0"))
        for client in clients:
            client.join(20)

        self.assertEqual(answers, ["pg-0"] * 5)


if __name__ == "__main__":
    unittest.main()
