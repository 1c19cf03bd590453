"""A private network: nodes in network namespaces of their own, joined by a bridge in another one.

A namespace lives as long as a process that does nothing lives in it, and that dies with the test: nothing is left
behind, whatever happens, and nothing of the machine's own network is touched. An ordinary user gets a user namespace
around it all, where the system allows that.
"""

import ctypes
import ipaddress
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import unittest

from .case import program
from .process import Process, wait_until

NEEDS = {"ip": "iproute2", "nft": "nftables", "nsenter": "util-linux", "unshare": "util-linux"}

V4, V6 = 4, 6
_PREFIX = {V4: "10.77.0.{}/24", V6: "fd77::{:x}/64"}
VIP = {V4: "10.77.0.100", V6: "fd77::64"}
LINK_LOCAL_VIP = "fe80::64"


class Namespace:
    """A network namespace and the process that keeps it. `outer`: one in whose user namespace it is made."""

    def __init__(self, name, log_dir, outer=None):
        self.name = name
        self._in_user_namespace = os.geteuid() != 0
        if not self._in_user_namespace:
            argv = ["unshare", "--net"]
        elif outer is None:
            argv = ["unshare", "--user", "--map-root-user", "--net"]
        else:
            argv = ["nsenter", "-t", outer.pid, "--user", "--preserve-credentials", "unshare", "--net"]
        # A process that gains capabilities forgets its death signal, so it is set once more.
        self._holder = Process(f"netns-{name}", [*argv, "setpriv", "--pdeathsig", "KILL", "--", "sleep", "infinity"], log_dir)
        self.pid = self._holder.pid
        wait_until(self._is_there, f"namespace {name}", 10, 0.005)

    def _is_there(self):
        if not self._holder.is_running():
            raise unittest.SkipTest("network namespaces are not allowed here: " + self._holder.log().strip())
        comm = pathlib.Path(f"/proc/{self.pid}/comm").read_text().strip()
        return comm == "sleep"

    def enter(self):
        """What to put before a command so that it runs in here; the process keeps its pid, and dies with the test."""
        user = ["--user", "--preserve-credentials"] if self._in_user_namespace else []
        return ["nsenter", "-t", str(self.pid), *user, "--net", "--", "setpriv", "--pdeathsig", "KILL", "--"]

    def run(self, *argv, text=None, check=True, timeout=20):
        """Runs a command in here to its end; its output."""
        done = subprocess.run([*self.enter(), *map(str, argv)], input=text, capture_output=True, text=True,
                              timeout=timeout)
        if check and done.returncode != 0:
            raise SystemError(f"{self.name}: {' '.join(map(str, argv))}: {done.stdout}{done.stderr}{text or ''}")
        return done.stdout

    def ip(self, *lines):
        """Commands of ip(8), one text each."""
        self.run(program("ip"), "-batch", "-", text="\n".join(lines) + "\n")

    def sysctl(self, **values):
        """net__ipv4__conf__all__arp_ignore=1"""
        script = "".join(f"echo {value} > /proc/sys/{name.replace('__', '/')}\n" for name, value in values.items())
        self.run("sh", "-ec", script)

    def socket(self, code):
        """A socket that is made in here by an expression of Python, for the test to use."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            script = (f"import socket; made = {code}; "
                      f"socket.send_fds(socket.socket(fileno={theirs.fileno()}), [b'x'], [made.fileno()])")
            done = subprocess.run([*self.enter(), sys.executable, "-c", script], pass_fds=[theirs.fileno()], timeout=20,
                                  capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemError(f"{self.name}: {code}: {done.stderr}")
            _, fds, _, _ = socket.recv_fds(ours, 1, 1)
        return socket.socket(fileno=fds[0])

    def adverts(self):
        """A socket on which this namespace's eth0 shows the IPv4 adverts that reach it, whole frames."""
        sniffer = self.socket("socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))")
        only_vrrp = [(0x30, 0, 0, 23), (0x15, 0, 1, 112), (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)]
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in only_vrrp))
        sniffer.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", len(only_vrrp), ctypes.addressof(code)))  # SO_ATTACH_FILTER
        return sniffer

    def start(self, scene, name, argv, log_dir):
        """A program that runs in here until the scene ends."""
        return scene.add(Process(name, [*self.enter(), *argv], log_dir))

    def stop(self):
        self._holder.stop()


class Node(Namespace):
    """A machine with one interface, eth0, plugged into port `port` of the switch."""

    def __init__(self, name, number, log_dir, switch):
        super().__init__(name, log_dir, switch)
        self.number = number
        self.port = f"port{number}"
        self.addresses = {family: form.format(number).partition("/")[0] for family, form in _PREFIX.items()}
        self.mac = f"02:00:00:00:00:{number:02x}"
        self.link_local = f"fe80::ff:fe00:{number:x}"
        self._switch = switch
        self.sysctl(net__ipv6__conf__all__disable_ipv6=0, net__ipv6__conf__default__disable_ipv6=0,
                    net__ipv6__conf__default__accept_dad=0, net__ipv6__conf__default__dad_transmits=0,
                    net__ipv6__conf__default__accept_ra=0, net__ipv6__conf__default__router_solicitations=0,
                    net__ipv6__conf__default__keep_addr_on_down=1)
        switch.ip(f"link add name {self.port} type veth peer name eth0 address {self.mac} netns {self.pid}",
                  f"link set dev {self.port} master bridge0 up")
        self.ip("link set dev lo up", "link set dev eth0 up",
                *(f"address add {form.format(number)} dev eth0 nodad" for form in _PREFIX.values()))

    # What breaks.

    def unplug(self):
        """The switch takes the link down: the node loses its carrier."""
        self._switch.ip(f"link set dev {self.port} down")

    def plug(self):
        self._switch.ip(f"link set dev {self.port} up")

    def link_down(self):
        """The node's own administrator takes its link down."""
        self.ip("link set dev eth0 down")

    def link_up(self):
        self.ip("link set dev eth0 up")

    # What a person would look at.

    def has(self, address):
        """Whether any interface here has this address."""
        return ipaddress.ip_address(address) in self.all_addresses()

    def all_addresses(self):
        links = json.loads(self.run(program("ip"), "-json", "address", "show") or "[]")
        return [ipaddress.ip_address(a["local"]) for link in links for a in link.get("addr_info", []) if "local" in a]

    def flush(self, *addresses):
        """Takes addresses off that a dead program has left behind: what a reboot does."""
        for address in addresses:
            length = 128 if ":" in address else 32
            for prefix in (24 if length == 32 else 64, length):
                self.run(program("ip"), "address", "del", f"{address}/{prefix}", "dev", "eth0", check=False)


class Network:
    """A switch, nodes with the names given, 10.77.0.N and fd77::N, and a client who is the last of them."""

    def __init__(self, scene, *names, name="net"):
        for tool, package in NEEDS.items():
            if program(tool) is None:
                raise unittest.SkipTest(f"{tool} is not installed (package {package})")
        self.dir = scene.subdir(name)
        self.scene = scene
        self.switch = scene.add(Namespace("switch", self.dir))
        try:
            self.switch.ip("link set dev lo up", "link add name bridge0 type bridge mcast_snooping 0 stp_state 0",
                           "link set dev bridge0 up")
        except SystemError as problem:
            raise unittest.SkipTest(f"no bridge can be made here: {problem}") from problem
        self.nodes = {}
        for number, node in enumerate([*names, "client"], 1):
            self.nodes[node] = scene.add(Node(node, number, self.dir, self.switch))
        self.client = self.nodes["client"]
        self._filtered = False

    def __getitem__(self, name):
        return self.nodes[name]

    def drop(self, source, destination):
        """Nothing of `source` reaches `destination` any more; the other direction, and everybody else, is not touched."""
        if not self._filtered:
            self.switch.run(program("nft"), "-f", "-", text="""
table bridge faults { chain forward { type filter hook forward priority 0; policy accept; }; }
""")
            self._filtered = True
        rule = f'iifname "{self.nodes[source].port}" oifname "{self.nodes[destination].port}" drop'
        self.switch.run(program("nft"), f"add rule bridge faults forward {rule}")

    def part(self, one, other):
        """A partition between two: neither hears the other; both are reached by everybody else."""
        self.drop(one, other)
        self.drop(other, one)

    def heal(self):
        """Nothing is dropped any more."""
        if self._filtered:
            self.switch.run(program("nft"), "flush", "table", "bridge", "faults")

    def holders(self, address):
        """The nodes that have this address."""
        return [name for name, node in self.nodes.items() if node.has(address)]

    def stop(self):
        """Ends the namespaces before the scene does."""
        for node in self.nodes.values():
            node.stop()
        self.switch.stop()
