#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/vrrp/stringify.hpp"
#include "tests/vrrp/world.hpp"

namespace tandem::vrrp {
namespace {

using namespace std::chrono_literals;

struct Priorities {
  int a = 100;
  int b = 100;
};

std::vector<Options> group(const Priorities& priorities, Preempt preempt = Preempt::no,
                           Duration interval_b = Duration(100ms)) {
  std::vector<Options> options{instance("a", "lan", priorities.a), instance("b", "wan", priorities.b, interval_b, 2)};
  for (Options& one : options) {
    one.sync_group = "both";
    one.preempt = preempt;
  }
  return options;
}

/// Two nodes on two links, the first one active on both.
void settle(World& world, const Priorities& first = {150, 150}, const Priorities& second = {100, 100},
            Preempt preempt = Preempt::no) {
  world.network().set_delay(1ms);
  world.add_node({"lan", "wan"});
  world.add_node({"lan", "wan"});
  REQUIRE(world.configure(0, group(first, preempt)).has_value());
  world.run_for(1s);
  REQUIRE(world.configure(1, group(second, preempt)).has_value());
  world.run_for(1s);
}

std::string states(const World& world) {
  std::string text;
  for (std::size_t node = 0; node < 2; ++node) {
    text += text.empty() ? "" : " ";
    for (std::size_t instance = 0; instance < 2; ++instance) {
      text += name(world.state(node, instance)).substr(0, 1);
    }
  }
  return text;
}

std::size_t transitions(const World& world) {
  return world.count(0, EventKind::transition) + world.count(1, EventKind::transition);
}

}  // namespace

TEST_SUITE("vrrp/sync_group") {
  TEST_CASE("a group is active on one node") {
    World world;
    settle(world);
    CHECK(states(world) == "aa bb");

    world.forget();
    world.run_for(1min);

    CHECK(transitions(world) == 0);
    CHECK(world.broken_rule() == "");
  }

  TEST_CASE("a member that cannot serve takes the others with it") {
    World world;
    settle(world);
    InterfaceState wan = world.host(0).find("wan");
    wan.up = false;

    world.host(0).set_interface("wan", wan);
    world.turn(0);

    CHECK(states(world) == "ii bb");
    CHECK(world.routers(0).router(0).inabilities()[static_cast<std::size_t>(Inability::group_member)]);
    world.run_for(1s);
    CHECK(states(world) == "ii aa");
    wan.up = true;
    world.host(0).set_interface("wan", wan);
    world.turn(0);
    world.run_for(1s);
    CHECK(states(world) == "bb aa");
    CHECK(world.broken_rule() == "");
  }

  TEST_CASE("a handover of one member hands the group over") {
    World world;
    world.set_link_delay(1ms);
    settle(world);
    world.forget();

    world.routers(0).hand_over(InstanceIndex{1}, world.moment());
    world.run_for(50ms);

    CHECK(states(world) == "bb aa");
    CHECK(world.longest_gap() == Duration::zero());
    world.run_for(10s);
    CHECK(transitions(world) == 4);
    CHECK(world.broken_rule() == "");
  }

  TEST_CASE("the loss of one link does not tear the group") {
    for (const char* link : {"lan", "wan"}) {
      CAPTURE(link);
      World world;
      settle(world);
      world.forget();

      world.network().cut(link);
      world.run_for(30s);
      CHECK(states(world) == "aa bb");  // the other link says that the peer lives
      world.network().heal(link);
      world.run_for(10s);

      CHECK(states(world) == "aa bb");
      CHECK(transitions(world) == 0);
      CHECK(world.broken_rule() == "");
    }
  }

  TEST_CASE("the death of the active node moves the group at once for all") {
    World world;
    settle(world);
    world.forget();

    world.kill(0);
    world.run_for(370ms);

    CHECK(world.state(1, 0) == State::active);
    CHECK(world.state(1, 1) == State::active);
  }

  TEST_CASE("members of different intervals follow the first that misses the active node") {
    World world;
    world.add_node({"lan", "wan"});
    world.add_node({"lan", "wan"});
    REQUIRE(world.configure(0, group({150, 150}, Preempt::no, 1s)).has_value());
    world.run_for(5s);
    REQUIRE(world.configure(1, group({100, 100}, Preempt::no, 1s)).has_value());
    world.run_for(10s);
    REQUIRE(states(world) == "aa bb");

    world.kill(0);
    world.run_for(2100ms);

    CHECK(world.state(1, 0) == State::active);
    CHECK(world.state(1, 1) == State::active);
    CHECK(world.broken_rule() == "");
  }

  TEST_CASE("a split of both links ends on one node whatever the ranks say") {
    struct Row {
      Priorities first;
      Priorities second;
      Preempt preempt;
    };
    for (const Row& row : {Row{{150, 150}, {100, 100}, Preempt::no}, Row{{150, 100}, {100, 150}, Preempt::no},
                           Row{{100, 100}, {100, 100}, Preempt::no}, Row{{150, 100}, {100, 150}, Preempt::yes},
                           Row{{150, 150}, {100, 100}, Preempt::yes}}) {
      for (std::uint64_t seed = 1; seed <= 16; ++seed) {
        CAPTURE(seed);
        CAPTURE(row.first.a);
        CAPTURE(row.second.b);
        World world(seed);
        if (seed % 4 < 2) {
          world.set_link_delay(1ms);
        }
        settle(world, row.first, row.second, row.preempt);
        world.network().cut("lan");
        world.network().cut("wan");
        world.run_for(2s + std::chrono::milliseconds(seed * 7));
        REQUIRE(states(world) == "aa aa");
        world.forget();

        world.network().heal("lan");
        if (seed % 2 == 0) {
          world.run_for(std::chrono::milliseconds(seed * 13));
        }
        world.network().heal("wan");
        world.run_for(5s);

        const std::string end = states(world);
        CHECK((end == "aa bb" || end == "bb aa"));
        CHECK(transitions(world) <= 16);
        const std::size_t before = transitions(world);
        world.run_for(30s);
        CHECK(transitions(world) == before);
        CHECK(world.broken_rule() == "");
      }
    }
  }

  TEST_CASE("whatever happens to the links the group is on one node in the end") {
    std::size_t most = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      CAPTURE(seed);
      World world(seed);
      Random random(seed);
      if (seed % 2 == 0) {
        world.set_link_delay(1ms);
      }
      const auto draw = [&] { return 1 + static_cast<int>(random.below(254)); };
      settle(world, {draw(), draw()}, {draw(), draw()}, random.below(2) == 0 ? Preempt::yes : Preempt::no);
      world.handing_over = true;
      for (int i = 0; i < 12; ++i) {
        const char* link = random.below(2) == 0 ? "lan" : "wan";
        switch (random.below(6)) {
          case 0:
          case 1: world.network().cut(link); break;
          case 2: world.network().heal(link); break;
          case 3: world.routers(random.below(2)).hand_over(InstanceIndex{0}, world.moment()); break;
          case 4: world.set_service(random.below(2), {Inability::listeners_unbound, 0}); break;
          default: world.set_service(0, {}); world.set_service(1, {});
        }
        world.run_for(std::chrono::milliseconds(random.below(900)));
      }
      world.set_service(0, {});
      world.set_service(1, {});
      world.network().heal("lan");
      world.network().heal("wan");
      world.forget();
      world.run_for(8s);

      const std::string end = states(world);
      CHECK((end == "aa bb" || end == "bb aa"));
      most = std::max(most, transitions(world));
      const std::size_t before = transitions(world);
      world.run_for(30s);
      CHECK(transitions(world) == before);
      CHECK(world.broken_rule() == "");
    }
    MESSAGE("100 schedules, at most ", most, " changes of state after the last fault");
    CHECK(most <= 20);
  }
}

}  // namespace tandem::vrrp
