"""A second opinion on version 3: Tandem and FRR's vrrpd as one pair, each in both roles."""

import os
import unittest

from harness import frr, network
from harness.asker import Service
from harness.case import Case, figure
from harness.network import V4, VIP, Network
from harness.pair_node import TandemNode
from harness.process import wait_until


class SecondOpinion(Case):
    needs = network.NEEDS

    @classmethod
    def set_up_scene(cls):
        if not frr.is_there():
            raise unittest.SkipTest("vrrpd is not installed (package frr)")
        if os.geteuid() != 0:
            raise unittest.SkipTest("FRR's daemons want to be root, and somebody else afterwards")

    def pair(self, name, ours, theirs):
        net = Network(self.scene, "a", "b", name=name)
        self.addCleanup(net.stop)
        Service(self.scene, net["a"], behind_balancer=True)
        tandem = TandemNode(self.scene, net["a"], priority=ours)
        self.addCleanup(tandem.stop)
        wait_until(lambda: tandem.state() == "active", "alone, Tandem is active", 10)
        other = frr.Frr(self.scene, net["b"], priority=theirs)
        self.addCleanup(other.stop)
        return net, tandem, other

    def settle(self, tandem, other, ours, theirs, why):
        try:
            wait_until(lambda: (tandem.state(), other.state()) == (ours, theirs), why, 8)
        except AssertionError:
            self.fail(f"{why}: Tandem is {tandem.state()}, vrrpd is {other.state()}\n{other.show()}")

    def test_the_better_tandem_is_active_and_vrrpd_takes_over_from_it(self):
        net, tandem, other = self.pair("ours", 150, 100)
        self.settle(tandem, other, "active", "backup", "the better one is active")
        before = tandem.transitions()
        tandem.terminate()
        wait_until(lambda: other.state() == "active", "vrrpd takes over after a graceful stop", 5)
        wait_until(lambda: not tandem.process.is_running(), "Tandem ends", 10)
        tandem.start()
        self.settle(tandem, other, "active", "backup", "Tandem takes it back")
        tandem.kill()
        wait_until(lambda: other.state() == "active", "vrrpd takes over after kill -9", 5)
        figure(f"vrrpd took over twice; Tandem had {before} transitions before")

    def test_the_better_vrrpd_is_active_and_tandem_takes_over_from_it(self):
        net, tandem, other = self.pair("theirs", 100, 150)
        self.settle(tandem, other, "backup", "active", "the better one is active")
        self.assertFalse(net["a"].has(VIP[V4]))
        before = tandem.transitions()
        other.stop()
        wait_until(lambda: tandem.state() == "active", "Tandem takes over", 5)
        self.assertEqual(tandem.transitions(), before + 1)
        self.assertTrue(net["a"].has(VIP[V4]))
