"""Frames off the wire, and what an independent decoder says of them."""

import signal
import struct
import time

from .case import program
from .process import run, wait_until

NEEDS = {"tcpdump": "tcpdump", "tshark": "tshark"}

_FILE_HEADER = 24
_WANTED = "ip proto 112 or ip6 proto 112 or arp or (icmp6 and ip6[40] == 136)"


class Capture:
    """Everything of VRRP, ARP and neighbour advertisements that a node sends or gets, seen at its port of the switch."""

    def __init__(self, network, node):
        self.file = network.dir / f"{node.name}-{time.monotonic_ns()}.pcap"
        self._process = network.switch.start(network.scene, self.file.stem, [
            program("tcpdump"), "-U", "-n", "-Z", "root", "-i", node.port, "-w", self.file, _WANTED], network.dir)
        wait_until(lambda: self.file.exists() and self.file.stat().st_size >= _FILE_HEADER, "tcpdump listens", 10, 0.01)

    def finish(self):
        self._process.signal(signal.SIGTERM)
        self._process.wait(10)

    def frames(self):
        """[(time, frame)]"""
        data = self.file.read_bytes()
        found, at = [], _FILE_HEADER
        while at + 16 <= len(data):
            seconds, fraction, length, _ = struct.unpack_from("<IIII", data, at)
            found.append((seconds + fraction / 1e6, data[at + 16 : at + 16 + length]))
            at += 16 + length
        return found


def write_pcap(path, frames):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for at, frame in frames:
            out.write(struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(frame), len(frame)) + frame)


def decode(path):
    """A dictionary per frame, from tshark with every checksum verified."""
    fields = ["frame.number", "frame.protocols", "eth.src", "_ws.malformed", "_ws.expert.severity", "_ws.expert.message", "vrrp.checksum.status",
              "ip.checksum.status", "icmpv6.checksum.status", "vrrp.version", "vrrp.virt_rtr_id", "vrrp.prio",
              "arp.isgratuitous"]
    arguments = [part for field in fields for part in ("-e", field)]
    done = run([program("tshark"), "-n", "-r", path, "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "separator=|",
                *arguments], timeout=120, env={"HOME": "/nonexistent"})
    return [dict(zip(fields, line.split("|"))) for line in done.stdout.splitlines()]


def complaints(path):
    """What tshark does not like about these frames."""
    bad = []
    for frame in decode(path):
        statuses = [s for key, value in frame.items() if key.endswith("checksum.status") for s in value.split(",") if s]
        # An address that moves is what failover is; tshark takes it for two hosts with one address.
        moved = frame["_ws.expert.message"].startswith("Duplicate IP address")
        severities = [int(s, 0) for s in frame["_ws.expert.severity"].split(",") if s and not moved]
        if frame["_ws.malformed"] or any(s not in ("1", "Good") for s in statuses) or any(s >= 0x600000 for s in severities):
            bad.append({key: value for key, value in frame.items() if value})
    return bad
