"""FRR's vrrpd in a node of a harness.network: version 3 only, on a macvlan with the virtual MAC that must be there before."""

import pathlib
import shutil

from .case import program
from .network import V4, VIP
from .process import wait_until

_BIN = pathlib.Path("/usr/lib/frr")


def is_there():
    return (_BIN / "vrrpd").exists() and (_BIN / "zebra").exists() and program("vtysh") is not None


class Frr:
    """One IPv4 instance with number 51, multicast."""

    def __init__(self, scene, node, *, interval=0.1, priority=100, preempt=True):
        self.scene, self.node = scene, node
        self.dir = scene.subdir(f"frr-{node.name}-{node.pid}")
        shutil.chown(self.dir, "frr", "frr")
        node.sysctl(net__ipv4__conf__all__arp_ignore=1)  # or the kernel answers for the address of a backup
        node.ip("link add link eth0 name vrrp4-51 address 00:00:5e:00:01:33 type macvlan mode bridge",
                f"address add {VIP[V4]}/24 dev vrrp4-51", "link set dev vrrp4-51 up")
        config = self.dir / "frr.conf"
        config.write_text(f"""
interface eth0
 vrrp 51 version 3
 vrrp 51 priority {priority}
 vrrp 51 advertisement-interval {round(interval * 1000)}
 {"" if preempt else "no "}vrrp 51 preempt
 vrrp 51 ip {VIP[V4]}
""")
        shutil.chown(config, "frr", "frr")
        self._run("zebra", "/dev/null")
        wait_until(lambda: (self.dir / "zserv.api").exists(), "zebra listens", 10)
        self.process = self._run("vrrpd", config)
        wait_until(lambda: self.state() in ("active", "backup"), "vrrpd runs", 10)

    def _run(self, daemon, config):
        return self.node.start(self.scene, daemon, [
            _BIN / daemon, "-f", config, "-i", self.dir / f"{daemon}.pid", "-z", self.dir / "zserv.api", "--vty_socket", self.dir,
            "-P", "0", "--log", "stdout"], self.dir)

    def show(self):
        return self.node.run(program("vtysh"), "--vty_socket", self.dir, "-c", "show vrrp", check=False)

    def state(self):
        for line in self.show().splitlines():
            words = line.split()
            if words[:2] == ["Status", "(v4)"]:
                return {"Master": "active", "Backup": "backup"}.get(words[-1], words[-1].lower())
        return "unknown"

    def stop(self):
        self.process.stop()
