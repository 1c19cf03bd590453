"""A Tandem in a node of a harness.network, with one virtual router. Looks like harness.keepalived from outside."""

import re
import signal

from .asker import BACKEND, TCP_PORT
from .network import LINK_LOCAL_VIP, V4, V6, VIP
from .process import descendants, kill_all
from .tandem import Tandem

PEER_PORT = 8405


class TandemNode:
    """Priority, interval (seconds) and the rest as `[[vrrp]]` says them. `peers`: unicast to these nodes. `link`: the
    node at the other end of the peer link, and the file with the key.
    """

    def __init__(self, scene, node, *, version=3, family=V4, peers=(), interval=0.1, priority=100, preempt=True,
                 vmac=False, link=None, more="", name="front", start=True):
        self.scene, self.node, self.family, self.instance = scene, node, family, name
        self.vips = [VIP[V4]] if family == V4 else [LINK_LOCAL_VIP, VIP[V6]]
        length = {V4: 24, V6: 64}[family]
        others = [p.addresses[V4] if family == V4 else p.link_local for p in peers]
        target = VIP[family] if family == V4 else f"[{VIP[family]}]"
        link_text = ""
        if link is not None:
            other, key_file = link
            link_text = (f'[peer]\naddress = "{other.addresses[V4]}:{PEER_PORT}"\n'
                         f'listen = "{node.addresses[V4]}:{PEER_PORT}"\nkey_file = "{key_file}"\n')
        self._text = f"""
[node]
name = "{node.name}"
workers = 1
shutdown_timeout = "1s"
[log]
session_sample = 0
[admin]
listen = ""
socket = "@socket@"
[[vrrp]]
name = "{name}"
interface = "eth0"
id = 51
version = {version}
priority = {priority}
interval = "{round(interval * 1000)}ms"
preempt = {str(preempt).lower()}
addresses = [{", ".join(f'"{a}/{length}"' for a in self.vips)}]
{f'peers = [{", ".join(f"{chr(34)}{a}{chr(34)}" for a in others)}]' if others else ""}
{"use_vmac = true" if vmac else ""}
{more}
{link_text}
[cluster.here]
backends = [ {{ name = "service", address = "{BACKEND[0]}:{BACKEND[1]}" }} ]
[pool.here]
cluster = "here"
[listener.front]
bind = ["{target}:{TCP_PORT}"]
pool = "here"
"""
        self._runs = 0
        self._logs = []
        self.tandem = None
        if start:
            self.start()

    @property
    def process(self):
        return self.tandem.process

    def start(self, wait=True):
        self._runs += 1
        self.tandem = Tandem(self.scene, self._text, name=f"{self.node.name}-{self.node.pid}-{self._runs}",
                             prefix=self.node.enter(), wait=wait)

    def child(self):
        """The process that serves; the one that we started watches it. None while there is none."""
        children = descendants(self.process.pid)
        return children[0] if children else None

    def process_started(self):
        return self.tandem is not None

    def log(self):
        return self.tandem.log()

    def view(self):
        """The instance as `tandem status --json` shows it."""
        return next(v for v in self.tandem.status()["vrrp"] if v["name"] == self.instance)

    def state(self):
        try:
            return self.view()["state"] if self.process.is_running() else "down"
        except (OSError, ValueError, AssertionError, KeyError, StopIteration):
            return "unknown"

    def transitions(self):
        """How often it has changed between backup and active since its start; the first state counts as one."""
        return int(sum(value for labels, value in self.tandem.samples("tandem_vrrp_transitions_total")
                       if labels.get("instance") == self.instance))

    def longest_turn(self):
        """Of the VRRP thread since its start, in seconds."""
        return self.tandem.metric("tandem_vrrp_loop_longest_seconds")

    def is_linked(self):
        """Whether the peer link stands."""
        return bool((self.tandem.status().get("peer") or {}).get("up"))

    # Ways to end.

    def terminate(self):
        self.process.signal(signal.SIGTERM)

    def hand_over(self):
        self.tandem.command("handover", self.instance)

    def kill(self):
        """kill -9 of both at once; the address stays behind."""
        if self.process.is_running():
            self.process.signal(signal.SIGSTOP)  # so that the parent carries nothing out
            kill_all([*descendants(self.process.pid), self.process.pid])

    def stop(self):
        if self.tandem is not None:
            self.kill()
            self.process.stop()
        self.node.flush(*self.vips)


def mentions_crash(log):
    """What in a log tells of a crash or a sanitizer's finding; empty when nothing does."""
    return "\n".join(line for line in log.splitlines()
                     if re.search(r"Sanitizer|runtime error|check failed|terminate called|Assertion", line))
