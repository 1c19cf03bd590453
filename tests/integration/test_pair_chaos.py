"""Whatever happens to two nodes, in the end exactly one is active and exactly that one has the address.

Random schedules of kills, stops, pauses, links down and partitions on two real nodes; the seed of a failure is printed,
and TANDEM_TEST_SEED=N runs that one alone. TANDEM_TEST_LONG=1: 500 of them.
"""

import concurrent.futures
import os
import random
import signal
import time

from harness import network
from harness.case import Case, figure
from harness.network import V4, VIP, Network
from harness.pair_node import TandemNode, mentions_crash
from harness.process import kill_all, wait_until

LONG = bool(os.environ.get("TANDEM_TEST_LONG"))
SCHEDULES = 500 if LONG else 20
SIDE_BY_SIDE = 6 if LONG else 5
SECONDS = 4.0        # of things happening
INTERVAL = 0.1
SETTLED_WITHIN = 20  # seconds after the last fault: a child that died often is started with a back-off


class Chaos:
    """One schedule."""

    def __init__(self, scene, seed):
        self.seed, self.random = seed, random.Random(seed)
        self.log = []
        self.net = Network(scene, "a", "b", name=f"chaos-{seed}")
        key = self.net.dir / "peer.key"
        key.write_text("5a" * 32 + "\n")
        key.chmod(0o600)
        linked = self.random.random() < 0.5
        preempt = self.random.random() < 0.5
        self.note(f"link {linked}, preempt {preempt}")
        self.nodes = {}
        for name, other, priority in (("a", "b", 150), ("b", "a", 100)):
            self.nodes[name] = TandemNode(scene, self.net[name], interval=INTERVAL, priority=priority, preempt=preempt,
                                          link=(self.net[other], key) if linked else None)
        self.frozen = {"a": [], "b": []}  # pids
        self.told_to_stop = set()         # perhaps paused before they could

    def note(self, text):
        self.log.append(f"{time.monotonic():.3f} {text}")

    # What can happen to a node.

    def happen(self):
        name = self.random.choice("ab")
        what = self.random.choice([self.kill_child, self.kill_both, self.freeze_child, self.pause, self.thaw, self.stop,
                                   self.restart, self.unplug, self.link_down, self.plug, self.part, self.one_way, self.heal])
        self.note(f"{what.__name__} {name}")
        what(name)

    def kill_child(self, name):
        child = self.child(name)
        if child:
            kill_all([child])

    def child(self, name):
        return self.nodes[name].child() if self.nodes[name].process.is_running() else None

    def kill_both(self, name):
        self.nodes[name].kill()
        self.frozen[name].clear()

    def freeze_child(self, name):
        child = self.child(name)
        if child:
            self.freeze([child], name)

    def pause(self, name):
        if self.nodes[name].process.is_running():
            self.freeze([self.nodes[name].process.pid, *([self.child(name)] if self.child(name) else [])], name)

    def freeze(self, pids, name):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGSTOP)
                self.frozen[name].append(pid)
            except ProcessLookupError:
                pass

    def thaw(self, name):
        if self.nodes[name].process.is_running():
            for pid in self.frozen[name]:
                try:
                    os.kill(pid, signal.SIGCONT)
                except ProcessLookupError:
                    pass
        self.frozen[name].clear()

    def stop(self, name):
        if self.nodes[name].process.is_running():
            self.nodes[name].terminate()
            self.told_to_stop.add(name)

    def restart(self, name):
        if not self.nodes[name].process.is_running():
            self.told_to_stop.discard(name)
            self.nodes[name].process.stop()
            self.nodes[name].start(wait=False)

    def unplug(self, name):
        self.net[name].unplug()

    def link_down(self, name):
        self.net[name].link_down()

    def plug(self, name):
        self.net[name].plug()
        self.net[name].link_up()

    def part(self, _name):
        self.net.part("a", "b")

    def one_way(self, name):
        self.net.drop(name, "b" if name == "a" else "a")

    def heal(self, _name):
        self.net.heal()

    # From the first to the last.

    def run(self):
        wait_until(lambda: self.states() == ["active", "backup"], "the pair is whole at first", 10)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            self.happen()
            time.sleep(self.random.choice([0.02, 0.1, 0.3, 0.6]))
        self.note("all is repaired")
        for name, node in self.nodes.items():
            self.heal(name)
            self.plug(name)
            self.thaw(name)
        for name, node in self.nodes.items():
            if not node.process.is_running() or name in self.told_to_stop:
                node.process.wait(40)
                self.restart(name)
        wait_until(self.is_whole, "exactly one is active, and has the address", SETTLED_WITHIN, 0.1)
        time.sleep(5 * INTERVAL)
        assert self.is_whole(), "it did not last"
        for name, node in self.nodes.items():
            crash = mentions_crash(node.log())
            assert not crash, f"{name}: {crash}"

    def states(self):
        return sorted(node.state() for node in self.nodes.values())

    def is_whole(self):
        active = [name for name, node in self.nodes.items() if node.state() == "active"]
        return self.states() == ["active", "backup"] and self.net.holders(VIP[V4]) == active

    def describe(self):
        state = {name: node.state() for name, node in self.nodes.items()}
        logs = "".join(f"\n--- {name}\n" + "\n".join(node.log().splitlines()[-30:]) for name, node in self.nodes.items())
        return f"{state}, address on {self.net.holders(VIP[V4])}\n" + "\n".join(self.log) + logs

    def close(self):
        for node in self.nodes.values():
            node.stop()
        self.net.stop()


def run_schedule(scene, seed):
    """What is wrong; empty: nothing."""
    chaos = Chaos(scene, seed)
    try:
        chaos.run()
    except Exception as problem:
        return f"seed {seed}: {problem}\n{chaos.describe()}"
    finally:
        chaos.close()
    return ""


class ChaosTest(Case):
    needs = network.NEEDS

    def test_in_the_end_exactly_one_has_the_address(self):
        first = int(os.environ.get("TANDEM_TEST_SEED", random.randrange(1_000_000)))
        count = 1 if "TANDEM_TEST_SEED" in os.environ else SCHEDULES
        print(f"seeds {first} to {first + count - 1}", flush=True)
        with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            wrong = [text for text in pool.map(lambda seed: run_schedule(self.scene, seed), range(first, first + count)) if text]
        figure(f"{count} random schedules, {len(wrong)} did not end well")
        self.assertEqual(wrong, [], "\n\n".join(wrong[:3]))
