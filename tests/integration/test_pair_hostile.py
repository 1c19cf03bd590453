"""Strangers on the same network: whatever they send, no node changes its state, none falls over, all of it is counted."""

import collections
import json
import pathlib
import random
import secrets
import socket
import struct
import sys
import time

from harness import network
from harness.case import Case, figure
from harness.hostile import GROUP
from harness.network import V4, VIP, Network
from harness.pair_node import PEER_PORT, TandemNode, mentions_crash
from harness.process import wait_until

HOSTILE = pathlib.Path(__file__).parent / "harness/hostile.py"
TOTAL = 100_000
REPLAYED = 10_000

# Connects 300 times and sends noise that may look like the beginning of TLS.
GARBAGE = """
import random, socket, sys
generator = random.Random(7)
for number in range(300):
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5) as link:
        try:
            head = b"\\x16\\x03\\x01" if number % 2 else b""
            link.sendall(head + generator.randbytes(generator.randrange(5000)))
            link.shutdown(socket.SHUT_WR)
            link.recv(1)
        except OSError:
            pass
"""

# The reason that each kind is counted under; noise may be anything.
REASONS = {
    "truncated": {"too_short", "length"},
    "too_many_addresses": {"length"},
    "wrong_checksum": {"checksum"},
    "hop_limit": {"hop_limit"},
    "foreign_id": {"foreign_id"},
    "wrong_version": {"version"},
    "version_2": {"version"},
    "wrong_type": {"type"},
    "no_addresses": {"no_addresses"},
    "no_interval": {"no_interval"},
    "carp": {"version"},
    "noise": set(),
}


def raw_drops(node):
    """Datagrams that the receive buffers of a node's raw sockets had no room for."""
    lines = node.run("cat", "/proc/net/raw").splitlines()[1:]
    return sum(int(line.split()[-1]) for line in lines)


class Hostile(Case):
    needs = network.NEEDS

    def pair(self, name, **options):
        net = Network(self.scene, "a", "b", name=name)
        a = TandemNode(self.scene, net["a"], priority=150, **options)
        b = TandemNode(self.scene, net["b"], priority=100, **options)
        self.addCleanup(net.stop)
        self.addCleanup(a.stop)
        self.addCleanup(b.stop)
        wait_until(lambda: (a.state(), b.state()) == ("active", "backup"), "a is active, b is backup", 10)
        return net, a, b

    def invalid(self, node):
        """{reason: count}"""
        found = collections.Counter()
        for labels, value in node.tandem.samples("tandem_vrrp_adverts_invalid_total"):
            found[labels["reason"]] += int(value)
        return found

    def assert_sound(self, net, a, b, before):
        self.assertEqual((a.transitions(), b.transitions()), before)
        self.assertEqual((a.state(), b.state()), ("active", "backup"))
        self.assertEqual(net.holders(VIP[V4]), ["a"])
        for node in (a, b):
            self.assertEqual(mentions_crash(node.log()), "")

    def test_a_hundred_thousand_hostile_datagrams_change_nothing(self):
        net, a, b = self.pair("strangers")
        before = a.transitions(), b.transitions()
        children = a.child(), b.child()
        counted_before = {node: self.invalid(node) for node in (a, b)}
        seed = random.randrange(1_000_000)
        per_kind = TOTAL // len(REASONS) + 1
        started = time.monotonic()

        out = net.client.run(sys.executable, "-B", HOSTILE, net.client.addresses[V4], GROUP,
                             *(f"{kind}={per_kind}" for kind in REASONS), str(seed), timeout=150)

        took, sent = time.monotonic() - started, json.loads(out)
        time.sleep(0.5)
        for node in (a, b):
            counted = self.invalid(node) - counted_before[node]
            drops = raw_drops(node.node)
            figure(f"{node.node.name}: {sum(sent.values())} hostile datagrams in {took:.1f} s (seed {seed}), {sum(counted.values())} "
                   f"counted, {drops} dropped by the socket: {dict(counted)}")
            self.assertEqual(sum(counted.values()) + drops, sum(sent.values()))
            for kind, reasons in REASONS.items():
                if reasons:
                    self.assertGreaterEqual(sum(counted[r] for r in reasons) + drops, sent[kind], kind)
        self.assert_sound(net, a, b, before)
        self.assertEqual((a.child(), b.child()), children)

    def test_replayed_adverts_of_a_node_that_has_left_unseat_nobody(self):
        key = self.scene.dir / "vrrp.key"
        key.write_text(secrets.token_hex(32) + "\n")
        key.chmod(0o600)
        net, a, b = self.pair("replay", more=f'auth = {{ key_file = "{key}", key_id = 1, mode = "enforce" }}')
        packets = []
        with net.client.adverts() as sniffer:
            sniffer.settimeout(5)
            while len(packets) < 20:
                frame = sniffer.recv(2048)
                length = struct.unpack_from("!H", frame, 16)[0]
                if frame[26:30] == socket.inet_aton(net["a"].addresses[V4]):
                    packets.append(frame[14 : 14 + length])
        before = a.transitions(), b.transitions()
        self.replay(net, packets)
        self.assert_sound(net, a, b, before)

        a.terminate()
        wait_until(lambda: b.state() == "active" and not a.process.is_running(), "b is active, a has ended", 10)
        was = b.transitions()
        rejected = self.invalid(b)
        self.replay(net, packets)

        self.assertEqual((b.state(), b.transitions()), ("active", was))
        self.assertEqual(net.holders(VIP[V4]), ["b"])
        counted = self.invalid(b) - rejected
        figure(f"{REPLAYED} replayed adverts: {dict(counted)}")
        self.assertGreaterEqual(counted["trailer_replayed"] + counted["trailer_stale"] + raw_drops(b.node), REPLAYED)

    def replay(self, net, packets):
        """Puts recorded packets, whole, on the wire once more, REPLAYED in all."""
        script = f"import hostile; hostile.send({packets!r} * {REPLAYED // len(packets)}, hostile.GROUP)"
        net.client.run("env", f"PYTHONPATH={HOSTILE.parent}", sys.executable, "-B", "-c", script)
        time.sleep(0.3)

    def test_garbage_on_the_peer_link_ends_nothing(self):
        key = self.scene.dir / "peer.key"
        key.write_text(secrets.token_hex(32) + "\n")
        key.chmod(0o600)
        net = Network(self.scene, "a", "b", name="link")
        self.addCleanup(net.stop)
        a, b = (TandemNode(self.scene, net[name], priority=priority, link=(net[other], key))
                for name, other, priority in (("a", "b", 150), ("b", "a", 100)))
        self.addCleanup(a.stop)
        self.addCleanup(b.stop)
        wait_until(lambda: (a.state(), b.state()) == ("active", "backup") and a.is_linked() and b.is_linked(),
                   "a is active, b is backup, linked", 10)
        before, children = (a.transitions(), b.transitions()), (a.child(), b.child())
        generator = random.Random(7)

        net.client.run(sys.executable, "-c", GARBAGE, net["a"].addresses[V4], PEER_PORT)

        self.assert_sound(net, a, b, before)
        self.assertEqual((a.child(), b.child()), children)
        self.assertTrue(a.is_linked() and b.is_linked())
