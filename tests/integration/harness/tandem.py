"""A running Tandem, the commands a person types, and what it says over its admin socket."""

import http.client
import json
import os
import pathlib
import re
import signal
import socket

from .case import ROOT
from .process import Process, run, wait_until

BINARY = pathlib.Path(os.environ.get("TANDEM_BINARY", ROOT / "build/release/tandem"))


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


_HEAD = """
[node]
name = "test"
workers = 2
[admin]
listen = ""
socket = "@socket@"
"""


class Tandem:
    """`tandem run` with a configuration text: @socket@ in it becomes the admin socket's path. A text without [admin]
    gets a [node] and an [admin] of its own.
    """

    def __init__(self, scene, config, *, name="tandem", wait=True, user=None, limit_files=None, env=None, prefix=()):
        self.dir = scene.subdir(name)
        if user is not None and os.geteuid() == 0:
            self.dir.chmod(0o777)
        self.socket = self.dir / "admin.sock"
        self.config = self.dir / "tandem.toml"
        self.write(config)
        self.process = scene.add(Process(name, [*prefix, BINARY, "run", "-c", self.config], self.dir,
                                         user=user, limit_files=limit_files, env=env))
        if wait:
            self.wait_ready()

    def write(self, config):
        """Puts a configuration in place, in one step."""
        new = self.config.with_suffix(".new")
        new.write_text(self.text_of(config))
        new.rename(self.config)

    def text_of(self, config):
        """What `write` puts in the file."""
        return (config if "[admin]" in config else _HEAD + config).replace("@socket@", str(self.socket))

    def wait_ready(self, timeout=15):
        def ready():
            if not self.process.is_running():
                raise SystemError(f"tandem ended with {self.process.exit_status()}:\n{self.log()}")
            return self.get("/readyz")[0] == 200

        wait_until(ready, "tandem is ready", timeout)

    def stop(self):
        self.process.stop()

    def log(self):
        return self.process.log()

    # What a person types.

    def command(self, *arguments, check=True, timeout=30):
        return run([BINARY, *arguments, "--admin", self.socket], check=check, timeout=timeout)

    def reload(self, check=True):
        return self.command("reload", check=check)

    def signal_reload(self):
        self.process.signal(signal.SIGHUP)

    # What it says.

    def request(self, method, path, body=None, headers=None, timeout=10):
        """Status and body over the admin socket."""
        connection = _UnixConnection(self.socket, timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def status(self):
        code, body = self.get("/api/v1/status")
        assert code == 200, f"status answers {code}: {body}"
        return json.loads(body)

    def metrics_text(self):
        code, body = self.get("/metrics")
        assert code == 200, f"metrics answers {code}: {body}"
        return body

    def metric(self, name, **labels):
        """The sum of a metric's samples whose labels include these; 0 when there is none."""
        return sum(value for found, value in self.samples(name) if labels.items() <= found.items())

    def samples(self, name):
        """[(labels, value)] of one metric."""
        found = []
        for line in self.metrics_text().splitlines():
            match = re.fullmatch(rf"{re.escape(name)}(?:\{{(.*)\}})? (\S+)(?: \d+)?", line)
            if match:
                labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[1] or ""))
                found.append((labels, float(match[2])))
        return found

    def up(self, cluster, backend):
        return self.metric("tandem_backend_up", cluster=cluster, backend=backend) == 1

    def wait_up(self, cluster, *backends, timeout=15):
        wait_until(lambda: all(self.up(cluster, b) for b in backends), f"{', '.join(backends)} up", timeout)

    def role(self, cluster, backend):
        """The role a backend reports: primary, replica, none, or nothing yet."""
        for labels, value in self.samples("tandem_backend_role"):
            if value == 1 and labels.get("cluster") == cluster and labels.get("backend") == backend:
                return labels.get("role")
        return None

    def eligible(self, pool):
        return int(self.metric("tandem_pool_backends_eligible", pool=pool))


def backends(servers):
    """A TOML array of backends from {name: address}, or {name: (address, "more = keys")}."""
    rows = []
    for name, address in servers.items():
        address, more = address if isinstance(address, tuple) else (address, "")
        rows.append(f'{{ name = "{name}", address = "{address}"{", " + more if more else ""} }}')
    return "[" + ", ".join(rows) + "]"


def check(config_path, *arguments, env=None):
    """`tandem check -c FILE`: its CompletedProcess."""
    return run([BINARY, "check", "-c", config_path, *arguments], check=False, env=env)
