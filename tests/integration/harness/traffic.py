"""Clients of a PostgreSQL service, and what became of each of their attempts."""

import asyncio
import pathlib
import subprocess
import threading
import time

from .patroni import client as postgres_client
from .process import run

_SSL_REQUEST = bytes([0, 0, 0, 8, 4, 210, 22, 47])  # every PostgreSQL answers it with one byte


class Knocker:
    """Opens a connection every 50 ms and wants one byte from a PostgreSQL. A held client waits; that is no failure."""

    def __init__(self, port, *, interval=0.05, timeout=40):
        self._port, self._interval, self._timeout = port, interval, timeout
        self.attempts = []  # (started, ended, problem or "")
        self._ending = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()

    async def _run(self):
        tasks = []
        while not self._ending.is_set():
            tasks.append(asyncio.create_task(self._knock()))
            await asyncio.sleep(self._interval)
        await asyncio.gather(*tasks)

    async def _knock(self):
        started, problem, writer = time.monotonic(), "", None
        try:
            async with asyncio.timeout(self._timeout):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.write(_SSL_REQUEST)
                if not await reader.read(1):
                    problem = "ended without an answer"
        except TimeoutError:
            problem = "timed out"
        except OSError as error:
            problem = error.strerror or str(error)
        finally:
            if writer:
                writer.close()
        self.attempts.append((started, time.monotonic(), problem))

    def stop(self):
        self._ending.set()
        self._thread.join(self._timeout + 5)

    def failed_since(self, moment):
        return [a for a in self.attempts if a[0] >= moment and a[2]]

    def waited_longest_since(self, moment):
        return max((ended - started for started, ended, _ in self.attempts if started >= moment), default=0.0)


class Bench:
    """Short pgbench runs, one after the other, in `clients` threads. Each run is one transaction of a script.

    The script gets :client and :seq. `done` holds (client, seq, started, ended) of what was acknowledged, `failed`
    the same with the last lines of the error.
    """

    def __init__(self, directory, name, script, environment, *, clients=2):
        self._script = pathlib.Path(directory) / f"{name}.sql"
        self._script.write_text(script)
        self._environment = environment
        self.done, self.failed = [], []
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self, client):
        seq = 0
        while not self._ending.is_set():
            seq += 1
            started = time.monotonic()
            try:
                ran = run([postgres_client("pgbench"), "-n", "-t", "1", "-f", self._script, "-D", f"client={client}",
                           "-D", f"seq={seq}"], env={**self._environment, "PGCONNECT_TIMEOUT": "40"}, check=False,
                          timeout=60)
                problem = "" if ran.returncode == 0 else ran.stderr.strip()
            except subprocess.TimeoutExpired:
                problem = "pgbench did not end"
            ended = time.monotonic()
            if problem:
                self.failed.append((client, seq, started, ended, problem))
            else:
                self.done.append((client, seq, started, ended))

    def stop(self):
        self._ending.set()
        for thread in self._threads:
            thread.join(70)

    def longest_gap(self, since):
        """The longest time without a success, from the last one before `since` on, in seconds."""
        ends = sorted(ended for _, _, _, ended in list(self.done))
        before = [e for e in ends if e <= since]
        points = before[-1:] + [e for e in ends if e > since]
        return max((b - a for a, b in zip(points, points[1:])), default=0.0)
