"""Two nodes that share an address, a client, and what it costs the client when one of them breaks."""

import os
import secrets
import signal
import threading
import time

from .asker import BACKEND, TCP_PORT, Asker, Service
from .haproxy import HAProxy
from .keepalived import Keepalived
from .network import V4, VIP, Network
from .pair_node import TandemNode
from .process import wait_until

PRODUCTS = ("keepalived", "keepalived+haproxy", "tandem", "tandem+link")

# What breaks, and what then serves. Each is done to the active node; `repair` makes it a healthy backup again.
FAULTS = {
    "stop": "graceful stop",
    "handover": "handover",
    "balancer": "balancer killed",
    "child": "kill -9 of the serving process",
    "stuck": "serving process hangs (SIGSTOP)",
    "machine": "everything killed at once",
    "link": "link down at the switch",
}
FAULTS_OF = {
    "keepalived": ("stop", "machine", "link"),
    "keepalived+haproxy": ("balancer",),
    "tandem": ("stop", "handover", "child", "stuck", "machine", "link"),
    "tandem+link": ("stop", "handover", "child", "stuck", "machine", "link"),
}

CHECK_INTERVAL = 2.0  # seconds; of keepalived's script that looks for HAProxy
_one_at_a_time = threading.Lock()  # starting many things at once disturbs those who measure


class Pair:
    """A pair of one product with nobody preempting: whoever is active is broken, and comes back as the backup.

    `realtime`: the client's own priority, so that a busy machine does not look like an outage.
    """

    def __init__(self, scene, product, interval, *, realtime=0):
        self.scene, self.product, self.interval, self.realtime = scene, product, interval, realtime
        self.name = f"{product}-{round(interval * 1000)}ms"
        with _one_at_a_time:
            self.network = Network(scene, "a", "b", name=self.name)
        self._adverts = self.network.client.adverts()
        self._services, self._balancers, self._nodes = {}, {}, {}
        self._key = self.network.dir / "peer.key"
        self._key.write_text(secrets.token_hex(32) + "\n")
        self._key.chmod(0o600)
        for name in ("a", "b"):
            self._serve(name)
            self._nodes[name] = self._make(name)
        self._checked_from = time.monotonic()
        self.wait_whole()

    def _make(self, name):
        node = self.network[name]
        other = self.network["b" if name == "a" else "a"]
        common = {"interval": self.interval, "priority": 101 if name == "a" else 100, "preempt": False}
        if self.product == "keepalived":
            return Keepalived(self.scene, node, **common)
        if self.product == "keepalived+haproxy":
            return Keepalived(self.scene, node, check=self._check(name), **common)
        link = (other, self._key) if self.product == "tandem+link" else None
        return TandemNode(self.scene, node, link=link, **common)

    def _serve(self, name):
        behind = self.product != "keepalived"
        self._services[name] = Service(self.scene, self.network[name], behind_balancer=behind)
        if self.product == "keepalived+haproxy":
            self._balancers[name] = HAProxy(self.scene, f"{self.name}-{name}", f"""
listen front
  bind :::{TCP_PORT} v4v6
  server here {BACKEND[0]}:{BACKEND[1]}
""", prefix=self.network[name].enter())

    def _check(self, name):
        """The script that asks for HAProxy every 2 s: `killall -0 haproxy`, but only for this node's."""
        script = self.network.dir / f"check-{name}.sh"
        self._write_check(name)
        return script

    def _write_check(self, name):
        script = self.network.dir / f"check-{name}.sh"
        script.write_text(f"#!/bin/sh\nexec kill -0 {self._balancers[name].process.pid}\n")
        script.chmod(0o755)

    # Who is who.

    def active(self):
        """The name of the node that is active, or None unless exactly one is and the other is backup."""
        states = {name: node.state() for name, node in self._nodes.items()}
        if sorted(states.values()) != ["active", "backup"]:
            return None
        return next(name for name, state in states.items() if state == "active")

    def transitions(self):
        """Of both nodes together."""
        return sum(node.transitions() for node in self._nodes.values())

    def longest_turn(self):
        """Of both nodes' VRRP threads, in seconds; None where nobody measures that."""
        return max((node.longest_turn() for node in self._nodes.values() if hasattr(node, "longest_turn")), default=None)

    def wait_whole(self):
        """Until one node is active, the other a backup, and the link between them stands."""
        def whole():
            linked = self.product != "tandem+link" or all(node.is_linked() for node in self._nodes.values())
            return linked and self.active()

        return wait_until(whole, f"{self.name}: an active node and a backup", 15 + 5 * self.interval, 0.02)

    # One failover.

    def measure(self, fault, phase):
        """Breaks the active node `phase` (0 to 1) of an interval after one of its adverts; what the client saw."""
        old = self.wait_whole()
        new = "b" if old == "a" else "a"
        asker = Asker(self.scene, self.network.client, VIP[V4], realtime=self.realtime, name=f"{self.name}-asker")
        try:
            started = time.monotonic_ns()
            wait_until(lambda: self._answers(asker, started, old), f"{self.name}: answers by {old}", 10, 0.01)
            time.sleep(0.2)
            if fault == "balancer":  # the check's phase counts, not the advert's; twice in order, so that it takes two to fall
                time.sleep(max(0.0, self._checked_from + 3 * CHECK_INTERVAL - time.monotonic()) + phase * CHECK_INTERVAL)
            else:
                self._wait_phase(phase)
            moment = self._break(fault, old)
            limit = 10 + 5 * self.interval
            wait_until(lambda: self._answers(asker, moment, new), f"{self.name}, {fault}: answers by {new}", limit, 0.01)
            time.sleep(0.4)
        finally:
            asker.finish()
        self._repair(fault, old)
        return asker.failover(moment, new)

    @staticmethod
    def _answers(asker, since, who):
        return all(asker.answers_since(since, kind, who) for kind in ("udp", "tcp"))

    def _wait_phase(self, phase):
        self._adverts.setblocking(False)
        try:
            while self._adverts.recv(2048):
                pass
        except BlockingIOError:
            pass
        self._adverts.settimeout(2 * self.interval + 1)
        self._adverts.recv(2048)
        time.sleep(phase * self.interval)

    def _break(self, fault, name):
        """The moment just before it breaks."""
        node = self._nodes[name]
        strike = {
            "stop": lambda: node.terminate(),
            "handover": lambda: node.hand_over(),
            "balancer": lambda: self._balancers[name].process.kill(),
            "child": lambda: os.kill(child, signal.SIGKILL),
            "stuck": lambda: os.kill(child, signal.SIGSTOP),
            "machine": lambda: (self._services[name].kill(), node.kill()),
            "link": lambda: self.network[name].unplug(),
        }[fault]
        child = node.child() if fault in ("child", "stuck") else None
        moment = time.monotonic_ns()
        strike()
        return moment

    def _repair(self, fault, name):
        node = self._nodes[name]
        if fault in ("stop", "machine"):
            if fault == "stop":
                wait_until(lambda: not node.process.is_running(), f"{self.name}: {name} has ended", 15)
            node.stop()
            if fault == "machine":
                self._services[name].stop()
                self._services[name] = Service(self.scene, self.network[name], behind_balancer=self.product != "keepalived")
            node.start()
        elif fault == "balancer":
            self._balancers[name].process.stop()
            self._services[name].stop()
            self._serve(name)
            self._write_check(name)
            self._checked_from = time.monotonic()
        elif fault == "link":
            self.network[name].plug()

    def stop(self):
        """Ends both nodes before the scene does."""
        for resource in (*self._nodes.values(), *(b.process for b in self._balancers.values()), *self._services.values()):
            resource.stop()
        self._adverts.close()
        self.network.stop()


def phases(runs):
    """Where within an interval each of so many faults falls: evenly, so that medians can be compared."""
    return [(i + 0.5) / runs for i in range(runs)]
