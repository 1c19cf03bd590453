"""Tandem and keepalived as one pair: who is active, who takes over from whom, and what our frames look like to others.

Every cell of the matrix has a network of its own; many run side by side. TANDEM_TEST_LONG=1 watches each for a minute.
"""

import concurrent.futures
import contextlib
import dataclasses
import os
import subprocess
import time

from harness import capture, keepalived, network
from harness.asker import Service
from harness.case import Case, figure
from harness.keepalived import Keepalived
from harness.network import V4, V6, VIP, Network
from harness.pair_node import TandemNode
from harness.process import wait_until
from harness.stalls import Stalls

LONG = bool(os.environ.get("TANDEM_TEST_LONG"))
STEADY = 60 if LONG else 3
SLACK = 2.5  # seconds that a takeover may take longer than by the protocol: many cells share this machine


@dataclasses.dataclass(frozen=True)
class Cell:
    higher: str  # who has the higher priority
    lower: str
    version: int
    family: int
    unicast: bool
    interval: float
    preempt: bool

    def __str__(self):
        return (f"{self.higher}>{self.lower} v{self.version} IPv{self.family} {'unicast' if self.unicast else 'multicast'} "
                f"{round(self.interval * 1000)}ms {'preempt' if self.preempt else 'nopreempt'}")


def matrix():
    cells = []
    for version, family, intervals in ((2, V4, (1,)), (3, V4, (1, 0.1, 0.01)), (3, V6, (1, 0.1, 0.01))):
        for interval in intervals:
            for unicast in (False, True):
                for roles in (("tandem", "keepalived"), ("keepalived", "tandem")):
                    cells.append(Cell(*roles, version, family, unicast, interval, preempt=len(cells) % 3 != 2))
    return cells


class Run:
    """One cell from its start to its end."""

    def __init__(self, scene, cell, number):
        self.cell, self.scene = cell, scene
        self.net = Network(scene, "a", "b", name=f"cell-{number}")
        self.vip = VIP[cell.family]
        with contextlib.ExitStack() as undo:
            undo.callback(self.net.stop)
            self.capture = None
            if "tandem" in (cell.higher, cell.lower):
                ours = self.net["a" if cell.higher == "tandem" else "b"]
                self.mac = bytes.fromhex(ours.mac.replace(":", ""))
                self.capture = capture.Capture(self.net, ours)
            for name in ("a", "b"):
                Service(scene, self.net[name], behind_balancer=True)
            self.higher = self._make(cell.higher, "a", 150)
            self.lower = self._make(cell.lower, "b", 100)
            undo.pop_all()

    def _make(self, kind, name, priority):
        cell = self.cell
        peers = [self.net["b" if name == "a" else "a"]] if cell.unicast else []
        common = {"version": cell.version, "family": cell.family, "peers": peers, "interval": cell.interval,
                  "priority": priority, "preempt": cell.preempt, "start": False}
        if kind == "keepalived":
            return Keepalived(self.scene, self.net[name], **common)
        return TandemNode(self.scene, self.net[name], **common)

    def _limit(self):
        return 3.61 * max(self.cell.interval, 0.1) + SLACK

    def expect(self, active, backup, what):
        holder = active.node.name

        def settled():
            return (active.state(), backup.state()) == ("active", "backup") and self.net.holders(self.vip) == [holder]

        try:
            wait_until(settled, what, self._limit() + 2, 0.05)
        except AssertionError:
            raise AssertionError(f"{what}: {active.node.name} is {active.state()}, {backup.node.name} is {backup.state()}, "
                                 f"the address is on {self.net.holders(self.vip)}") from None

    def expect_alone(self, active, what):
        """Active, and the address is there; the other node may be dead and have it too."""
        try:
            wait_until(lambda: active.state() == "active" and active.node.has(self.vip), what, self._limit(), 0.02)
        except AssertionError:
            raise AssertionError(f"{what}: {active.node.name} is {active.state()}, the address is on "
                                 f"{self.net.holders(self.vip)}") from None

    def start(self):
        self.higher.start()
        self.expect_alone(self.higher, "the first one becomes active")
        self.lower.start()
        self.expect(self.higher, self.lower, "the lower one stays backup")

    def steady(self):
        before = self.higher.transitions(), self.lower.transitions()
        time.sleep(STEADY)
        after = self.higher.transitions(), self.lower.transitions()
        if after != before:
            raise AssertionError(f"transitions {before} became {after} in {STEADY} s")
        self.expect(self.higher, self.lower, "nothing has changed")

    def _come_back(self, how):
        """The higher one is there again, after which it is active, and the lower one backup."""
        if self.cell.preempt:
            self.expect(self.higher, self.lower, f"after {how} the higher one takes it back")
            return
        self.expect(self.lower, self.higher, f"after {how} the lower one keeps it")
        time.sleep(5 * self.cell.interval)
        self.expect(self.lower, self.higher, f"after {how} the lower one still keeps it")
        self.lower.terminate()
        self.expect_alone(self.higher, f"after {how}, and a graceful stop of the lower one")
        wait_until(lambda: not self.lower.process.is_running(), "the lower one ends", 10)
        self.lower.start()
        self.expect(self.higher, self.lower, f"after {how} and the lower one's return")

    def graceful_stop(self):
        self.higher.terminate()
        self.expect_alone(self.lower, "after a graceful stop")
        wait_until(lambda: not self.higher.process.is_running() and self.net.holders(self.vip) == ["b"],
                   "whoever stops takes its address off", 10)
        self.higher.start()
        self._come_back("a graceful stop")

    def kill(self):
        self.higher.kill()
        self.expect_alone(self.lower, "after kill -9 of everything")
        self.higher.process.stop()
        self.higher.start()
        self._come_back("kill -9")

    def unplug(self):
        self.net["a"].unplug()
        self.expect_alone(self.lower, "after the link went down")
        wait_until(lambda: self.net.holders(self.vip) == ["b"], "whoever has no link has no address", 5 + self.cell.interval)
        self.net["a"].plug()
        self._come_back("link down")

    def close(self):
        for node in (self.higher, self.lower):
            node.stop()
        self.net.stop()

    def frames(self):
        """What Tandem has sent."""
        if self.capture is None:
            return []
        self.capture.finish()
        return [(at, frame) for at, frame in self.capture.frames() if frame[6:12] == self.mac]


def run_cell(scene, cell, number):
    """What is wrong, empty when nothing; the frames of Tandem; and whether nothing could be judged: three times this machine
    stood still for longer than a backup has patience, and something was wrong.
    """
    for attempt in (1, 2, 3):
        since = time.monotonic_ns()
        wrong, frames, longest = try_cell(scene, cell, f"{number}-{attempt}", since)
        if not wrong or longest < 2 * cell.interval:
            return wrong, frames, False
        print(f"{cell}: not judged, for the machine stood still for {longest * 1000:.0f} ms: {wrong.splitlines()[0]}", flush=True)
    return "", frames, True


def try_cell(scene, cell, number, since):
    """And the longest stall."""
    run, stalls, wrong, frames = None, None, "", []
    started = time.monotonic()
    try:
        run = Run(scene, cell, number)
        stalls = Stalls(scene, run.net.client, priority=0)  # keepalived has no real-time priority
        for step in (run.start, run.steady, run.graceful_stop, run.kill, run.unplug):
            step()
    except (AssertionError, SystemError, OSError, subprocess.SubprocessError) as problem:
        logs = "".join(f"\n--- {node.node.name}\n" + "\n".join(node.log().splitlines()[-25:])
                       for node in ((run.higher, run.lower) if run else ()) if node.process_started())
        wrong = f"{problem}{logs}"
    finally:
        if run is not None:
            with contextlib.suppress(subprocess.SubprocessError):  # a machine that hardly runs
                frames = run.frames()
            if stalls is not None:
                stalls.finish()
            run.close()
    if os.environ.get("TANDEM_TEST_VERBOSE"):
        print(f"{cell}: {time.monotonic() - started:.1f} s {'FAILED ' + wrong if wrong else ''}", flush=True)
    return wrong, frames, stalls.longest_since(since) if stalls is not None else 0


class Interop(Case):
    needs = {**network.NEEDS, **keepalived.NEEDS, **capture.NEEDS}

    def run_all(self, cells, side_by_side):
        frames, unjudged = [], 0
        with concurrent.futures.ThreadPoolExecutor(side_by_side) as pool:
            runs = {cell: pool.submit(run_cell, self.scene, cell, f"{side_by_side}-{i}") for i, cell in enumerate(cells)}
        for cell, run in runs.items():
            wrong, sent, was_unjudged = run.result()
            frames += sent
            unjudged += was_unjudged
            with self.subTest(str(cell)):
                self.assertEqual(wrong, "")
        figure(f"{len(cells)} cells, {unjudged} of them not judged because this machine stood still")
        self.assertLess(unjudged, len(cells) / 2)
        return frames

    def check_frames(self, frames):
        file = self.scene.dir / f"ours-{len(frames)}.pcap"
        capture.write_pcap(file, frames)
        figure(f"tshark read {len(frames)} frames of ours")
        self.assertGreater(len(frames), 100)
        self.assertEqual(capture.complaints(file)[:3], [])

    def test_the_rig_with_keepalived_on_both_sides(self):
        self.run_all([Cell("keepalived", "keepalived", 3, V4, False, 0.1, True),
                      Cell("keepalived", "keepalived", 3, V6, True, 0.1, False)], 2)

    def test_intervals_from_a_tenth_of_a_second(self):
        cells = sorted((c for c in matrix() if c.interval >= 0.1), key=lambda c: (-c.interval, c.preempt))  # long ones first
        self.check_frames(self.run_all(cells, 14))

    def test_an_interval_of_ten_milliseconds(self):
        # One after the other: keepalived without real-time priority does not bear company at this interval.
        self.check_frames(self.run_all([c for c in matrix() if c.interval < 0.1], 1))
