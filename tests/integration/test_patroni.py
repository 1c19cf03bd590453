"""A real Patroni cluster behind Tandem: pgbench writes through one port and reads through another while the primary's
node is killed, and while the primary is moved on purpose. Tandem runs examples/postgresql-patroni.toml."""

import re
import subprocess
import time
import unittest

from harness import patroni
from harness.case import Case, figure
from harness.examples import example
from harness.patroni import PatroniCluster
from harness.ports import free_port
from harness.process import wait_until
from harness.tandem import Tandem
from harness.traffic import Bench, Knocker

_TABLE = """
CREATE TABLE writes (id bigserial PRIMARY KEY, client int, seq int, phase text, server inet, in_recovery bool,
                     at timestamptz DEFAULT clock_timestamp())
"""
_WRITE = """
INSERT INTO writes (client, seq, phase, server, in_recovery)
VALUES (:client, :seq, '{phase}', inet_server_addr(), pg_is_in_recovery());
"""
_READ = "SELECT count(*) FROM pg_stat_activity;\n"
_REFUSALS = ("no_backend", "hold_timeout", "connect_refused", "connect_timeout", "queue_timeout", "limit", "error")


class Failover(Case):
    @classmethod
    def set_up_scene(cls):
        reason = patroni.unavailable()
        if reason:
            raise unittest.SkipTest(reason)
        cls.cluster = PatroniCluster(cls.scene)
        cls.cluster.start()
        cls.write_port, cls.read_port = free_port(), free_port()
        cls.tandem = Tandem(cls.scene, example("postgresql-patroni.toml", {
            **{f"127.0.0.1{i + 1}:5432": f"{node.host}:{cls.cluster.sql_port}" for i, node in enumerate(cls.cluster.nodes)},
            "port = 8008": f"port = {cls.cluster.rest_port}",
            "127.0.0.1:5000": f"127.0.0.1:{cls.write_port}",
            "127.0.0.1:5001": f"127.0.0.1:{cls.read_port}",
            "127.0.0.1:8404": f"127.0.0.1:{free_port()}",
        }))
        cls.tandem.wait_up("orders", *(n.name for n in cls.cluster.nodes))
        cls.cluster.sql(_TABLE, host="127.0.0.1", port=cls.write_port)

    def setUp(self):
        self.cluster.wait_settled()
        wait_until(lambda: self.tandem.eligible("orders-write") == 1 and self.tandem.eligible("orders-read") == 2,
                   "Tandem sees a primary and two replicas", 20)
        self.phase = self._testMethodName
        self.old = self.cluster.primary()
        self.refused_before = self.refused()
        self.log_lines_before = len(self.tandem.log().splitlines())
        write = self.cluster.environment("127.0.0.1", self.write_port)
        self.long_session = self.open_long_session()
        self.writers = Bench(self.scene.dir, "write", _WRITE.format(phase=self.phase),
                             {**write, "PGAPPNAME": "writer"})
        self.readers = Bench(self.scene.dir, "read", _READ, self.cluster.environment("127.0.0.1", self.read_port))
        self.knocker = Knocker(self.write_port)
        wait_until(lambda: len(self.writers.done) >= 10 and len(self.readers.done) >= 10, "traffic flows")

    def open_long_session(self):
        """A psql that keeps its session on the primary for as long as it lasts."""
        session = subprocess.Popen(
            [patroni.client("psql"), "-X", "-q", "-A", "-t"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, bufsize=1, env={"PATH": "/usr/bin:/bin", "PGAPPNAME": "long",
                                       **self.cluster.environment("127.0.0.1", self.write_port)})
        self.addCleanup(session.wait)
        self.addCleanup(session.stdout.close)
        self.addCleanup(session.kill)
        session.stdin.write("SELECT 'here';\n")
        self.assertEqual(session.stdout.readline(), "here\n")
        return session

    def refused(self):
        """Clients of the write port that got no backend."""
        return (sum(self.tandem.metric("tandem_sessions_closed_total", pool="orders-write", cause=cause)
                    for cause in _REFUSALS)
                + self.tandem.metric("tandem_listener_rejected_total", listener="orders-write"))

    def end_traffic(self):
        for traffic in (self.writers, self.readers, self.knocker):
            traffic.stop()

    def wait_writes_again(self, moment):
        """The node that took the first write after the change."""
        def somewhere_else():
            primary = self.cluster.primary()
            started_after = [d for d in list(self.writers.done) if d[2] > moment]
            return primary if primary and primary is not self.old and len(started_after) >= 10 else None

        return wait_until(somewhere_else, "writes go to another primary", 40)

    def rows(self, condition):
        return self.cluster.sql(f"SELECT count(*) FROM writes WHERE phase = '{self.phase}' AND {condition}",
                                host=self.cluster.primary().host).stdout.strip()

    def check_writes(self, new):
        """Every write of this test is where it should be; returns how many acknowledged ones are missing."""
        self.assertEqual(self.rows("in_recovery"), "0")
        self.assertEqual(self.rows(f"server NOT IN ('{self.old.host}', '{new.host}')"), "0")
        self.assertEqual(self.rows(f"server = '{self.old.host}' AND at > (SELECT min(at) FROM writes WHERE "
                                   f"phase = '{self.phase}' AND server = '{new.host}')"), "0")
        acknowledged = {(client, seq) for client, seq, _, _ in self.writers.done}
        stored = {tuple(map(int, line.split("|"))) for line in self.cluster.sql(
            f"SELECT client, seq FROM writes WHERE phase = '{self.phase}'", host=new.host).stdout.split()}
        return len(acknowledged - stored)

    def cut_off_by_the_old_primary(self):
        """Sessions that the old primary had taken when it went, without the long one: nobody can move those."""
        ended = 0
        for line in self.tandem.log().splitlines()[self.log_lines_before:]:
            if f"backend=orders/{self.old.name} " not in line or "listener=orders-write" not in line:
                continue
            sent, cause = re.search(r" sent=(\d+) cause=(\w+)$", line).groups()
            # A server process that is told to end before its client has logged in closes without a word.
            if cause in ("backend_reset", "severed_down", "severed_role") or (cause == "backend_fin" and int(sent) < 300):
                ended += 1
        return ended - 1

    def check_clients(self, what, moment):
        knocks = self.knocker.failed_since(moment)
        # What was under way on the old primary may fail. Of what began after, only those may fail that the old primary
        # had taken before anybody could know, or that PostgreSQL itself told that it is shutting down.
        under_way = [f for f in self.writers.failed if f[2] < moment]
        told = [f for f in self.writers.failed if f[2] >= moment and "FATAL" in f[4]]
        broken = [f for f in self.writers.failed if f[2] >= moment and "FATAL" not in f[4]]
        cut_off = self.cut_off_by_the_old_primary()
        failed = max(0, len(knocks) + len(broken) - cut_off)
        refused = self.refused() - self.refused_before
        figure(f"{what}: writes out for {self.writers.longest_gap(moment):.2f} s, longest wait of a new client "
               f"{self.knocker.waited_longest_since(moment):.2f} s, failed connects {failed} of "
               f"{len([a for a in self.knocker.attempts if a[0] >= moment])}, refused by Tandem {refused:.0f}; "
               f"with the old primary went {len(under_way)} transactions under way and {len(knocks) + len(broken)} new "
               f"sessions, {len(told)} were told that it shuts down; reads out for "
               f"{self.readers.longest_gap(moment):.2f} s, {len(self.readers.failed)} reads failed")
        for started, ended, problem in knocks:
            print(f"knock at {started - moment:.3f} s ended at {ended - moment:.3f} s: {problem}")
        self.assertEqual(failed, 0, (knocks, broken))
        self.assertEqual(refused, 0)
        # These are moments, not an outage: everybody who came later waited and was served.
        self.assertLess(max([a[0] - moment for a in knocks], default=0), 2)
        self.assertLessEqual(len(knocks), 3)

    def check_reads(self, moment):
        self.assertLess(self.readers.longest_gap(moment), 3)
        self.assertGreater(len([r for r in self.readers.done if r[2] > moment]), 10)

    def test_the_primary_node_is_killed(self):
        self.old.kill()
        moment = time.monotonic()
        wait_until(lambda: self.tandem.metric("tandem_pool_held", pool="orders-write") > 0, "clients are held", 10)
        new = self.wait_writes_again(moment)
        self.end_traffic()

        missing = self.check_writes(new)
        self.check_clients("kill -9 of the primary's node", moment)
        self.check_reads(moment)
        figure(f"acknowledged writes that asynchronous replication lost: {missing}")
        self.long_session.stdin.close()
        self.long_session.wait(10)
        self.assertEqual(self.tandem.metric("tandem_backend_connections_active", backend=self.old.name), 0)

        self.old.start()
        self.cluster.wait_settled()

    def test_the_primary_is_moved_on_purpose(self):
        candidate = next(n for n in self.cluster.nodes if n is not self.old)
        moment = time.monotonic()
        self.cluster.switchover(candidate)
        new = self.wait_writes_again(moment)
        self.assertIs(new, candidate)
        self.end_traffic()

        self.assertEqual(self.check_writes(new), 0)
        self.check_clients("planned switchover", moment)
        self.check_reads(moment)
        self.cluster.wait_settled()
        left = self.cluster.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('writer', 'long')",
                                host=self.old.host).stdout.strip()
        self.assertEqual(left, "0")
        self.long_session.stdin.close()
        self.long_session.wait(10)
