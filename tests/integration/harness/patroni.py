"""A real Patroni cluster: one etcd, three PostgreSQL nodes on loopback addresses of their own, fast timings."""

import glob
import json
import os
import pathlib
import pwd
import shutil
import signal
import urllib.error
import urllib.request

from .case import program
from .ports import free_port
from .process import Process, descendants, kill_all, run, wait_until

NEEDS = {"patroni": "patroni", "patronictl": "patroni", "etcd": "etcd-server"}

_PASSWORD = "only-for-this-test"


def postgres_bin():
    """The directory of the newest PostgreSQL's server programs, or None."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda p: int(p.split("/")[4]))
    return pathlib.Path(found[-1]).parent if found else None


def client(name):
    """psql or pgbench itself, without Debian's wrapper in Perl."""
    return postgres_bin() / name


def server_user():
    """PostgreSQL refuses to run as root: then it runs as postgres, else as oneself (None)."""
    return "postgres" if os.geteuid() == 0 else None


class Node:
    def __init__(self, cluster, name, host):
        self.name, self.host = name, host
        self._cluster = cluster
        self.dir = cluster.dir / name
        self.dir.mkdir()
        self.process = None

    def start(self):
        self.process = Process(f"patroni-{self.name}", [program("patroni"), self._cluster.config_of(self)],
                               self.dir, user=server_user(), cwd=self.dir,
                               env={"LC_ALL": "C.UTF-8", "PGPASSFILE": str(self.dir / "pgpass")})

    def rest(self, path="/patroni", timeout=2):
        """Status and JSON of the node's REST API."""
        request = urllib.request.Request(f"http://{self.host}:{self._cluster.rest_port}{path}")
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, json.loads(answer.read() or b"{}")

    def is_primary(self):
        try:
            return self.rest("/primary")[0] == 200
        except OSError:
            return False

    def is_replica(self):
        try:
            return self.rest("/replica")[0] == 200
        except OSError:
            return False

    def pids(self):
        """Patroni and every PostgreSQL process of this node."""
        pids = [self.process.pid] if self.process and self.process.is_running() else []
        pid_file = self.dir / "data" / "postmaster.pid"
        if pid_file.exists():
            postmaster = int(pid_file.read_text().split("\n")[0])
            # A pid in a stale file may be anybody's by now.
            if os.path.exists(f"/proc/{postmaster}") and os.readlink(f"/proc/{postmaster}/cwd") == str(self.dir / "data"):
                pids.append(postmaster)
        for pid in list(pids):
            pids += descendants(pid)
        return list(dict.fromkeys(pids))

    def kill(self):
        """kill -9 of Patroni and all of its PostgreSQL, as when the machine dies."""
        pids = self.pids()
        for pid in pids:  # so that no child outlives its parent long enough to do anything
            try:
                os.kill(pid, signal.SIGSTOP)
            except ProcessLookupError:
                pass
        kill_all(pids)
        if self.process:
            self.process.kill()

    def stop(self):
        self.kill()


class PatroniCluster:
    """`start` brings up etcd and the nodes and waits for one primary and two streaming replicas."""

    def __init__(self, scene, *, hosts=("127.0.11.1", "127.0.11.2", "127.0.11.3"), ttl=5, loop_wait=1, retry_timeout=3):
        self.dir = scene.subdir("patroni")
        self.dir.chmod(0o777)
        self.sql_port, self.rest_port = free_port(*hosts), free_port(*hosts)
        self.etcd_port, self._etcd_peer_port = free_port(), free_port()
        self._timing = {"ttl": ttl, "loop_wait": loop_wait, "retry_timeout": retry_timeout}
        self.nodes = [Node(self, f"pg-{i}", host) for i, host in enumerate(hosts)]
        self._etcd = None
        if server_user():
            account = pwd.getpwnam(server_user())
            for node in self.nodes:
                os.chown(node.dir, account.pw_uid, account.pw_gid)
                node.dir.chmod(0o755)
        scene.add(self)

    def start(self, timeout=90):
        etcd_dir = self.dir / "etcd"
        etcd_dir.mkdir(mode=0o700)
        self._etcd = Process("etcd", [
            program("etcd"), "--name", "only", "--data-dir", etcd_dir / "data",
            "--listen-client-urls", f"http://127.0.0.1:{self.etcd_port}",
            "--advertise-client-urls", f"http://127.0.0.1:{self.etcd_port}",
            "--listen-peer-urls", f"http://127.0.0.1:{self._etcd_peer_port}",
            "--initial-advertise-peer-urls", f"http://127.0.0.1:{self._etcd_peer_port}",
            "--initial-cluster", f"only=http://127.0.0.1:{self._etcd_peer_port}",
        ], self.dir)
        wait_until(lambda: b"true" in urllib.request.urlopen(
            f"http://127.0.0.1:{self.etcd_port}/health", timeout=1).read(), "etcd is healthy", 20)
        self.nodes[0].start()
        wait_until(self.nodes[0].is_primary, "the first node is primary", timeout)
        for node in self.nodes[1:]:
            node.start()
        self.wait_settled(timeout)

    def primary(self):
        found = [n for n in self.nodes if n.is_primary()]
        return found[0] if len(found) == 1 else None

    def wait_settled(self, timeout=60):
        """One primary, and everybody else a replica that streams from it."""
        wait_until(self._is_settled, "one primary and the rest streaming from it", timeout, 0.2)

    def _is_settled(self):
        primary = self.primary()
        if primary is None:
            return False
        streaming = {r["application_name"] for r in primary.rest()[1].get("replication", []) if r["state"] == "streaming"}
        return all(n.is_replica() and n.name in streaming for n in self.nodes if n is not primary)

    def switchover(self, candidate):
        run([program("patronictl"), "-c", self.config_of(self.nodes[0]), "switchover", "--force",
             "--master", self.primary().name, "--candidate", candidate.name, "orders"],
            env={"LC_ALL": "C.UTF-8"}, timeout=60)

    def sql(self, text, *, host=None, port=None, timeout=30, check=True, database="postgres"):
        """psql's CompletedProcess; unaligned output without headers."""
        return run([client("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text, self.dsn(host, port, database)],
                   env={"PGCONNECT_TIMEOUT": str(timeout)}, timeout=timeout + 10, check=check)

    def dsn(self, host=None, port=None, database="postgres"):
        host = host or self.primary().host
        return f"host={host} port={port or self.sql_port} user=postgres password={_PASSWORD} dbname={database}"

    def environment(self, host, port):
        """For libpq programs: pgbench, psql."""
        return {"PGHOST": host, "PGPORT": str(port), "PGUSER": "postgres", "PGPASSWORD": _PASSWORD,
                "PGDATABASE": "postgres"}

    def stop(self):
        for node in self.nodes:
            node.stop()
        if self._etcd:
            self._etcd.stop()

    def config_of(self, node):
        path = self.dir / f"{node.name}.json"
        settings = {
            "scope": "orders",
            "name": node.name,
            "restapi": {"listen": f"{node.host}:{self.rest_port}", "connect_address": f"{node.host}:{self.rest_port}"},
            "etcd3": {"host": f"127.0.0.1:{self.etcd_port}"},
            "bootstrap": {
                "dcs": {
                    **self._timing,
                    "maximum_lag_on_failover": 1048576,
                    "postgresql": {
                        "use_pg_rewind": True,
                        "use_slots": False,
                        "parameters": {"max_connections": 60, "shared_buffers": "16MB", "max_wal_senders": 10,
                                       "wal_keep_size": "64MB", "hot_standby": "on", "wal_log_hints": "on",
                                       "max_worker_processes": 2, "autovacuum": "off", "wal_retrieve_retry_interval": "500ms"},
                    },
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums", "no-sync"],
                "pg_hba": ["host all all 127.0.0.0/8 md5", "host replication all 127.0.0.0/8 md5", "local all all trust"],
            },
            "postgresql": {
                "listen": f"{node.host}:{self.sql_port}",
                "connect_address": f"{node.host}:{self.sql_port}",
                "data_dir": str(node.dir / "data"),
                "bin_dir": str(postgres_bin()),
                "pgpass": str(node.dir / "pgpass"),
                "authentication": {"superuser": {"username": "postgres", "password": _PASSWORD},
                                   "replication": {"username": "replicator", "password": _PASSWORD},
                                   "rewind": {"username": "rewinder", "password": _PASSWORD}},
                "parameters": {"unix_socket_directories": str(node.dir), "fsync": "off"},
            },
            "tags": {},
        }
        path.write_text(json.dumps(settings, indent=1))
        path.chmod(0o644)
        return path


def unavailable():
    """Why a real cluster cannot run here, or None."""
    for name, package in NEEDS.items():
        if program(name) is None:
            return f"{name} is not installed (package {package})"
    if postgres_bin() is None:
        return "no PostgreSQL server under /usr/lib/postgresql (package postgresql)"
    if server_user() and shutil.which("setpriv") is None:
        return "running as root needs setpriv to start PostgreSQL as postgres (package util-linux)"
    return None
