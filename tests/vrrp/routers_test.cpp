#include "vrrp/routers.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/vrrp/stringify.hpp"
#include "tests/vrrp/world.hpp"

namespace tandem::vrrp {
namespace {

using namespace std::chrono_literals;

/// Two nodes, the first one active.
void settle(World& world, Duration interval, const std::vector<std::string>& peers = {}) {
  for (const int priority : {150, 100}) {
    const std::size_t node = world.add_node({"lan"});
    Options options = instance("front", "lan", priority, interval);
    for (const std::string& peer : peers) {
      if (ip(peer) != *world.host(node).find("lan").source_v4) {
        options.peers.push_back(ip(peer));
      }
    }
    REQUIRE(world.configure(node, {options}).has_value());
  }
  world.run_for(10 * interval);
  REQUIRE(world.state(0) == State::active);
  REQUIRE(world.state(1) == State::backup);
  world.forget();
}

}  // namespace

TEST_SUITE("vrrp/routers") {
  TEST_CASE("two nodes elect one and stay with it") {
    World world;
    world.network().set_delay(1ms);
    settle(world, 100ms);

    world.run_for(60s);

    CHECK(world.story(0) == "");
    CHECK(world.story(1) == "");
    CHECK(world.longest_gap() == Duration::zero());
    CHECK(world.facts(1).active_router == ip("10.77.0.1"));
    CHECK(world.facts(1).active_priority == Priority{150});
    CHECK(world.facts(0).adverts_sent > 600);
    CHECK(world.facts(1).adverts_received > 600);
    CHECK(world.broken_rule() == "");
  }

  TEST_CASE("unicast peers hear one another and both forms of the checksum are answered in kind") {
    World world;
    settle(world, 100ms, {"10.77.0.1", "10.77.0.2"});
    CHECK(world.facts(1).rejected == std::array<std::uint64_t, kRejectionCount>{});
    Options options = world.routers(1).router(0).options();
    options.checksum = ChecksumOption::rfc9568;
    REQUIRE(world.configure(1, {options}).has_value());
    REQUIRE(world.facts(0).adverts_received == 0);
    world.routers(0).hand_over(InstanceIndex{0}, world.moment());
    world.run_for(2s);
    REQUIRE(world.state(1) == State::active);
    world.network().forget_sent();

    world.routers(1).hand_over(InstanceIndex{0}, world.moment());
    world.run_for(1s);

    REQUIRE(world.state(0) == State::active);
    const FakeDatagram& last = world.network().sent().back();
    const auto decoded = decode({last.bytes, last.route, 255});
    REQUIRE(std::holds_alternative<Received>(decoded));
    CHECK(std::get<Received>(decoded).checksum == ChecksumForm::message_only);
  }

  TEST_CASE("a handover with a link takes less than 10 ms at an interval of a second") {
    World world;
    world.network().set_delay(1ms);
    world.set_link_delay(1ms);
    settle(world, 1s);

    const Instant before = world.network().now();
    world.routers(0).hand_over(InstanceIndex{0}, world.moment());
    while (world.state(0) == State::active) {
      world.run_for(1ms);
    }

    CHECK(world.network().now() - before <= 10ms);
    CHECK(world.state(1) == State::active);
    CHECK(world.longest_gap() == Duration::zero());
    CHECK(world.longest_overlap() <= 10ms);
    CHECK(world.story(0) == "active>backup:taken");
    CHECK(world.story(1) == "backup>active:invited");
    CHECK(world.network().last_announcer("front") == 1U);
    world.run_for(1min);
    CHECK(world.state(1) == State::active);  // 150 does not take it back: preempt is off
  }

  TEST_CASE("a handover without a link leaves no gap and takes the skew") {
    World world;
    world.network().set_delay(1ms);
    settle(world, 1s);

    const Instant before = world.network().now();
    world.routers(0).hand_over(InstanceIndex{0}, world.moment());
    while (world.state(0) == State::active) {
      world.run_for(1ms);
    }

    CHECK(world.network().now() - before <= 614ms + 5ms);  // keepalived: 614 ms, all of it an outage
    CHECK(world.longest_gap() == Duration::zero());
    CHECK(world.story(1) == "backup>active:farewell");
  }

  TEST_CASE("a shutdown keeps the addresses until the peer has them") {
    World world;
    world.set_link_delay(1ms);
    settle(world, 1s);

    world.routers(0).shut_down(world.moment());
    CHECK_FALSE(world.routers(0).is_shut_down());
    world.run_for(20ms);

    CHECK(world.routers(0).is_shut_down());
    CHECK(world.longest_gap() == Duration::zero());
    CHECK(world.story(0) == "active>initialize:taken");
    CHECK(world.deposit(0).addresses == 0);
    CHECK(world.deposit(0).farewells == 0);
  }

  TEST_CASE("who cannot serve gives the address away at once and comes back when it can") {
    World world;
    world.set_link_delay(1ms);
    settle(world, 1s);

    world.set_service(0, {Inability::worker_stuck, 3});
    CHECK(world.state(0) == State::initialize);
    world.run_for(5ms);
    CHECK(world.state(1) == State::active);
    CHECK(world.longest_gap() <= 2ms);
    world.run_for(10s);
    world.set_service(0, {});

    CHECK(world.state(0) == State::backup);
    CHECK(world.story(0) == "active>initialize:inability initialize>backup:recovered");
    REQUIRE(world.count(0, EventKind::unable) == 1);
    const auto unable = std::ranges::find(world.events(0), EventKind::unable, &Event::kind);
    CHECK(unable->inability == Inability::worker_stuck);
    CHECK(unable->detail == 3);
    CHECK(world.count(0, EventKind::able) == 1);
  }

  TEST_CASE("a dead machine costs the down interval and no more") {
    World world;
    settle(world, 1s);

    world.kill(0);
    world.run_for(3620ms);

    CHECK(world.state(1) == State::active);
    CHECK(world.story(1) == "backup>active:silence");
    CHECK(world.longest_gap() <= 3610ms);
  }

  TEST_CASE("a dead peer whose watcher says farewell is relieved at once when its link broke as well") {
    for (const bool link_first : {true, false}) {
      CAPTURE(link_first);
      World world;
      settle(world, 1s);
      const std::vector<std::byte> farewell = world.deposit(0).last_farewell;
      REQUIRE(!farewell.empty());
      const FakeDatagram datagram{farewell, {ip("10.77.0.1"), ip("224.0.0.18")}, 255};

      world.kill(0);
      if (link_first) {
        world.lose_link(1);
      }
      world.run_for(10ms);
      world.network().inject(1, datagram);
      world.turn(1);
      world.run_for(10ms);
      if (!link_first) {
        world.lose_link(1);
      }

      CHECK(world.state(1) == State::active);
      CHECK(world.story(1) == "backup>active:farewell");
      CHECK(world.longest_gap() <= 20ms);
    }
  }

  TEST_CASE("the will of an active router takes its addresses off and says farewell") {
    World world;
    settle(world, 100ms);

    CHECK(world.deposit(0).addresses == 1);
    CHECK(world.deposit(0).farewells == 1);
    CHECK(world.deposit(0).addresses_first);
    CHECK(world.deposit(1).addresses == 0);
    CHECK(world.deposit(1).farewells == 0);
    const auto decoded = decode({world.deposit(0).last_farewell, {ip("10.77.0.1"), ip("224.0.0.18")}, 255});
    REQUIRE(std::holds_alternative<Received>(decoded));
    CHECK(std::get<Received>(decoded).packet.priority == kLeaving);
  }

  TEST_CASE("a signed farewell is newer than the last advert") {
    World world;
    for (const int priority : {150, 100}) {
      const std::size_t node = world.add_node({"lan"});
      Options options = instance("front", "lan", priority);
      options.authentication.emplace();
      options.authentication->keys = {{1, std::vector<std::byte>(32, std::byte{7})}};
      REQUIRE(world.configure(node, {options}).has_value());
    }
    world.run_for(5s);
    REQUIRE(world.state(1) == State::backup);
    REQUIRE(world.facts(1).rejected == std::array<std::uint64_t, kRejectionCount>{});

    world.kill(0);
    world.network().inject(1, {world.deposit(0).last_farewell, {ip("10.77.0.1"), ip("224.0.0.18")}, 255});
    world.turn(1);
    world.run_for(70ms);

    CHECK(world.facts(1).rejected == std::array<std::uint64_t, kRejectionCount>{});
    CHECK(world.state(1) == State::active);
  }

  TEST_CASE("a split is seen by both and broken once when they meet") {
    World world;
    world.network().set_delay(1ms);
    settle(world, 100ms);

    world.network().cut("lan");
    world.run_for(5s);
    CHECK(world.state(1) == State::active);
    world.network().heal("lan");
    world.run_for(110ms);

    CHECK(world.state(0) == State::active);
    CHECK(world.state(1) == State::backup);
    CHECK(world.facts(0).contested);
    CHECK(world.network().last_announcer("front") == 0U);
    world.run_for(10s);
    CHECK(world.story(0) == "");
    CHECK(world.story(1) == "backup>active:silence active>backup:outranked");
    for (const std::size_t node : {0U, 1U}) {
      CHECK(world.count(node, EventKind::contested) == 1);
      CHECK(world.count(node, EventKind::contest_over) == 1);
      CHECK_FALSE(world.facts(node).contested);
    }
  }

  TEST_CASE("a preemption is no split") {
    World world;
    for (const int priority : {100, 150}) {
      Options options = instance("front", "lan", priority);
      options.preempt = Preempt::yes;
      const std::size_t node = world.add_node({"lan"});
      if (node == 0) {
        world.network().cut("lan");
      }
      REQUIRE(world.configure(node, {options}).has_value());
      world.run_for(1s);
      world.network().heal("lan");
    }
    world.run_for(2s);

    CHECK(world.state(1) == State::active);
    CHECK(world.story(0) == "initialize>backup:start backup>active:silence active>backup:outranked");
    CHECK(world.story(1) == "initialize>backup:start backup>active:preempt");
    CHECK(world.count(0, EventKind::contested) == 0);
    CHECK(world.count(1, EventKind::contested) == 0);
  }

  TEST_CASE("who has heard nobody at all says so once") {
    World world;
    const std::size_t node = world.add_node({"lan"});
    REQUIRE(world.configure(node, {instance("front", "lan", 100)}).has_value());

    world.run_for(1min);

    CHECK(world.state(0) == State::active);
    CHECK(world.count(0, EventKind::heard_nobody) == 1);
    CHECK(world.facts(0).heard_nobody);
  }

  TEST_CASE("an address that was taken off is put back and one that is left over goes") {
    World world;
    settle(world, 100ms);
    world.watch_holding = false;

    world.host(0).put_addresses("front", false);
    world.host(1).put_addresses("front", true);
    world.turn(0);
    world.turn(1);

    CHECK(world.host(0).holds("front"));
    CHECK_FALSE(world.host(1).holds("front"));
    CHECK(world.count(0, EventKind::repaired) == 1);
    CHECK(world.count(1, EventKind::repaired) == 1);
    CHECK(world.story(0) == "");
  }

  TEST_CASE("a kernel that refuses the address makes the node unable for five seconds") {
    World world;
    world.watch_holding = false;
    settle(world, 100ms);
    world.host(1).set_refusal("cannot put 10.77.0.100/24 on lan: Operation not permitted");

    world.routers(0).stop(world.moment());
    world.run_for(1s);

    CHECK(world.state(1) == State::initialize);
    CHECK(world.story(1) == "backup>active:farewell active>initialize:inability");
    REQUIRE(world.count(1, EventKind::address_error) == 1);
    const auto failed = std::ranges::find(world.events(1), EventKind::address_error, &Event::kind);
    CHECK(text(*failed) == "cannot put 10.77.0.100/24 on lan: Operation not permitted");
    world.host(1).set_refusal("");
    world.run_for(6s);
    CHECK(world.state(1) == State::active);
  }

  TEST_CASE("an interface that goes and comes back under another index is opened anew") {
    World world;
    settle(world, 100ms);
    InterfaceState interface = world.host(0).find("lan");
    const InterfaceState before = interface;

    world.host(0).set_interface("lan", {});
    world.turn(0);
    CHECK(world.state(0) == State::initialize);
    CHECK(world.routers(0).router(0).inabilities()[static_cast<std::size_t>(Inability::interface_missing)]);
    world.run_for(1s);
    CHECK(world.state(1) == State::active);
    interface.index = 9;
    world.host(0).set_interface("lan", interface);
    world.turn(0);

    CHECK(world.state(0) == State::backup);
    CHECK(world.host(0).opened() == 2);
    CHECK(before.index != interface.index);
  }

  TEST_CASE("a link without a carrier means giving away at once") {
    World world;
    settle(world, 100ms);
    InterfaceState interface = world.host(0).find("lan");
    interface.up = false;

    world.host(0).set_interface("lan", interface);
    world.turn(0);

    CHECK(world.state(0) == State::initialize);
    CHECK_FALSE(world.host(0).holds("front"));
  }

  TEST_CASE("a thread that stood still tells so and comes back as backup") {
    World world;
    settle(world, 100ms);

    world.pause(0);
    world.run_for(1s);
    world.resume(0);

    CHECK(world.count(0, EventKind::late) == 1);
    CHECK(world.state(0) == State::backup);
    CHECK(world.state(1) == State::active);
    CHECK(world.story(0) == "active>backup:late");
  }

  TEST_CASE("a penalty lowers the priority in force") {
    World world;
    settle(world, 100ms);

    world.routers(0).set_penalty(InstanceIndex{0}, 60);
    world.turn(0);
    world.run_for(1s);

    CHECK(world.facts(0).priority == Priority{90});
    CHECK(world.count(0, EventKind::priority_changed) == 1);
    CHECK(world.facts(1).active_priority == Priority{90});
  }

  TEST_CASE("witnesses are waited for and their silence gives the address away") {
    World world;
    const std::size_t node = world.add_node({"lan"});
    Options options = instance("front", "lan", 100);
    options.witnesses = {{WitnessKind::icmp, ip("10.77.0.254"), 0}};
    REQUIRE(world.configure(node, {options}).has_value());
    world.routers(node).set_witness(InstanceIndex{0}, Reach::unknown);
    world.turn(node);
    world.run_for(1s);
    CHECK(world.count(node, EventKind::unable) == 0);
    CHECK(world.state(node) == State::initialize);

    world.routers(node).set_witness(InstanceIndex{0}, Reach::reachable);
    world.turn(node);
    world.run_for(1s);
    CHECK(world.state(node) == State::active);
    world.routers(node).set_witness(InstanceIndex{0}, Reach::unknown);
    world.turn(node);
    CHECK(world.state(node) == State::active);
    world.routers(node).set_witness(InstanceIndex{0}, Reach::silent);
    world.turn(node);
    CHECK(world.state(node) == State::initialize);
  }
}

}  // namespace tandem::vrrp
