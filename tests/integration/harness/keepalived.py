"""A real keepalived in a node of a harness.network."""

import re
import signal

from .case import program
from .network import LINK_LOCAL_VIP, V4, V6, VIP
from .process import descendants, kill_all, wait_until

NEEDS = {"keepalived": "keepalived"}

_STATE = re.compile(r"\(VI_\w+\) Entering (MASTER|BACKUP|FAULT) STATE")
_WORD = {"MASTER": "active", "BACKUP": "backup", "FAULT": "fault"}


class Keepalived:
    """One VRRP instance with number 51. `peers`: unicast to these nodes; without them multicast."""

    def __init__(self, scene, node, *, version=3, family=V4, peers=(), interval=0.1, priority=100, preempt=True,
                 vmac=False, check=None, realtime=0, more="", start=True):
        self.scene, self.node = scene, node
        self.family = family
        self.vips = [VIP[V4]] if family == V4 else [LINK_LOCAL_VIP, VIP[V6]]
        self.dir = scene.subdir(f"keepalived-{node.name}-{node.pid}")
        self.config = self.dir / "keepalived.conf"
        self._runs = 0
        self.process = None
        lengths = {V4: "24", V6: "64"}
        unicast, newline = "", "\n"
        if peers:
            source = node.addresses[V4] if family == V4 else node.link_local
            others = [p.addresses[V4] if family == V4 else p.link_local for p in peers]
            unicast = f"unicast_src_ip {source}\n unicast_peer {{ {' '.join(others)} }}"
        script = ""
        if check is not None:
            # One setting a line: keepalived takes what follows on the same line as arguments of the script.
            script = f'vrrp_script chk {{\n script "{check}"\n interval 2\n fall 2\n rise 2\n}}'
        self.config.write_text(f"""
global_defs {{
 router_id {node.name}
 script_user root
 {f"vrrp_rt_priority {realtime}" if realtime else ""}
 {"vrrp_rlimit_rttime 1000000" if realtime else ""}
}}
{script}
vrrp_instance VI_1 {{
 version {version}
 state BACKUP
 interface eth0
 virtual_router_id 51
 priority {priority}
 advert_int {interval:g}
 {"" if preempt else "nopreempt"}
 {"use_vmac" if vmac else ""}
 {unicast}
 {"track_script { chk }" if check is not None else ""}
 virtual_ipaddress {{
{newline.join(f"  {a}/{lengths[family]}" for a in self.vips)}
 }}
 {more}
}}
""")
        if start:
            self.start()

    def start(self):
        self._runs += 1
        argv = [program("keepalived"), "-n", "-l", "-D", "-P", "-f", self.config, "-p", self.dir / "parent.pid",
                "-r", self.dir / "vrrp.pid"]
        for stale in ("parent.pid", "vrrp.pid"):
            (self.dir / stale).unlink(missing_ok=True)
        self.process = self.node.start(self.scene, f"keepalived-{self._runs}", argv, self.dir)
        wait_until(lambda: self._child() and "STATE" in self.log(), "keepalived runs", 10, 0.02)

    def _child(self):
        """The process that speaks VRRP."""
        children = descendants(self.process.pid)
        return children[0] if children else None

    def process_started(self):
        return self.process is not None

    def log(self):
        return self.process.log()

    def states(self):
        """Every state that it has entered since it was started, in order."""
        return [_WORD[m[1]] for m in _STATE.finditer(self.log())]

    def state(self):
        states = self.states()
        return states[-1] if self.process.is_running() and states else "down"

    def transitions(self):
        return len(self.states())

    # Ways to end.

    def terminate(self):
        """A graceful stop: it says farewell."""
        self.process.signal(signal.SIGTERM)

    def kill(self):
        """kill -9 of everything at once; the address stays behind."""
        if self.process.is_running():
            self.process.signal(signal.SIGSTOP)  # so that the parent makes no new child meanwhile
            kill_all([*descendants(self.process.pid), self.process.pid])

    def stop(self):
        """Whatever state it is in, it ends, and leaves no address."""
        if self.process is not None:
            self.kill()
            self.process.stop()
        self.node.flush(*self.vips)
