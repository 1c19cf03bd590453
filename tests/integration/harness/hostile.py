#!/usr/bin/env python3
"""Sends datagrams of protocol 112 that no honest router sends: hostile.py OWN-ADDRESS TARGET KIND=COUNT... [SEED]

Runs inside a namespace. Prints how many of each kind went out, as JSON. Kinds are the methods of Hostile below.
"""

import json
import random
import socket
import struct
import sys
import time

GROUP = "224.0.0.18"
VRID, FOREIGN_VRID = 51, 99
BURST, PAUSE = 40, 0.002  # datagrams, seconds: below what a receive buffer holds


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_packet(source, target, payload, ttl=255):
    """The kernel fills the identification and the header's checksum in."""
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0xC0, 20 + len(payload), 0, 0, ttl, 112, 0, socket.inet_aton(source),
                       socket.inet_aton(target)) + payload


class Hostile:
    """Makes one IP packet of a kind per call. What it is apart from its fault would be taken, and would win."""

    def __init__(self, source, target, seed):
        self.source, self.target, self.random = source, target, random.Random(seed)

    def advert(self, *, version=3, kind=1, vrid=VRID, priority=254, count=1, interval=10, addresses=("10.77.0.100",)):
        body = b"".join(map(socket.inet_aton, addresses))
        message = struct.pack("!BBBBHH", version << 4 | kind, vrid, priority, count, interval, 0) + body
        pseudo = socket.inet_aton(self.source) + socket.inet_aton(self.target) + struct.pack("!BBH", 0, 112, len(message))
        return message[:6] + struct.pack("!H", checksum(pseudo + message)) + message[8:]

    def packet(self, payload, **header):
        return ip_packet(self.source, self.target, payload, **header)

    def truncated(self):
        return self.packet(self.advert()[: self.random.randrange(12)])

    def too_many_addresses(self):
        return self.packet(self.advert(count=self.random.randrange(2, 256)))

    def wrong_checksum(self):
        message = bytearray(self.advert())
        message[6 + self.random.randrange(2)] ^= 1 << self.random.randrange(8)
        return self.packet(bytes(message))

    def hop_limit(self):
        return self.packet(self.advert(), ttl=254)

    def foreign_id(self):
        return self.packet(self.advert(vrid=FOREIGN_VRID))

    def wrong_version(self):
        return self.packet(self.advert(version=self.random.choice([0, 1, 4, 7, 15])))

    def version_2(self):
        message = struct.pack("!BBBBBBH4s8s", 0x21, VRID, 254, 1, 0, 1, 0, socket.inet_aton("10.77.0.100"), bytes(8))
        return self.packet(message[:6] + struct.pack("!H", checksum(message)) + message[8:])

    def wrong_type(self):
        return self.packet(self.advert(kind=self.random.choice([0, 2, 5, 15])))

    def no_addresses(self):
        return self.packet(self.advert(count=0, addresses=()))

    def no_interval(self):
        return self.packet(self.advert(interval=0))

    def carp(self):
        """UCarp's packet: the same protocol number and group, another message."""
        body = self.random.randbytes(28)
        message = struct.pack("!BBBBBBH", 0x21, VRID, 0, 7, 0, 1, 0) + body
        return self.packet(message[:6] + struct.pack("!H", checksum(message)) + message[8:])

    def noise(self):
        return self.packet(self.random.randbytes(self.random.randrange(1, 120)))


def send(packets, target):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=4s4si", bytes(4), bytes(4), socket.if_nametoindex("eth0")))
        for number, packet in enumerate(packets):
            if number % BURST == 0:
                time.sleep(PAUSE)
            raw.sendto(packet, (target, 0))


def main():
    source, target, *wanted = sys.argv[1:]
    seed = int(wanted.pop()) if wanted[-1].isdigit() else 1
    hostile = Hostile(source, target, seed)
    sent = dict((kind, int(count)) for kind, _, count in (w.partition("=") for w in wanted))
    kinds = [kind for kind, count in sent.items() for _ in range(count)]
    hostile.random.shuffle(kinds)
    send((getattr(hostile, kind)() for kind in kinds), target)
    print(json.dumps(sent))


if __name__ == "__main__":
    main()
