#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/vrrp/stringify.hpp"
#include "tests/vrrp/world.hpp"

namespace tandem::vrrp {
namespace {

using namespace std::chrono_literals;

/// One node on its own, active with one instance on each of two links.
void settle(World& world) {
  world.add_node({"lan", "wan"});
  REQUIRE(world.configure(0, {instance("front", "lan", 100), instance("back", "wan", 100, 100ms, 2)}).has_value());
  world.run_for(2s);
  REQUIRE(world.state(0, 0) == State::active);
  REQUIRE(world.state(0, 1) == State::active);
  world.forget();
}

}  // namespace

TEST_SUITE("vrrp/routers_configure") {
  TEST_CASE("the same configuration again touches nothing") {
    World world;
    settle(world);
    const std::uint64_t sent = world.facts(0).adverts_sent;

    REQUIRE(world.configure(0, {instance("front", "lan", 100), instance("back", "wan", 100, 100ms, 2)}).has_value());
    world.run_for(1s);

    CHECK(world.story(0, 0) == "");
    CHECK(world.facts(0).adverts_sent >= sent + 10);
    CHECK(world.host(0).opened() == 2);
  }

  TEST_CASE("another order in the file moves the places and nothing else") {
    World world;
    settle(world);

    REQUIRE(world.configure(0, {instance("back", "wan", 100, 100ms, 2), instance("front", "lan", 100)}).has_value());
    world.run_for(1s);

    CHECK(world.count(0, EventKind::transition) == 0);
    CHECK(world.routers(0).router(0).options().name == "back");
    CHECK(world.host(0).opened() == 2);
  }

  TEST_CASE("a new priority and what is alike is taken over in place") {
    World world;
    settle(world);
    Options options = instance("front", "lan", 120);
    options.preempt = Preempt::yes;
    options.notify = "/bin/true";
    options.checksum = ChecksumOption::rfc9568;
    options.authentication.emplace();
    options.authentication->keys = {{1, std::vector<std::byte>(32, std::byte{7})}};

    REQUIRE(world.configure(0, {options, instance("back", "wan", 100, 100ms, 2)}).has_value());
    world.run_for(1s);

    CHECK(world.count(0, EventKind::transition) == 0);
    CHECK(world.facts(0).priority == Priority{120});
    CHECK(world.network().sent().back().bytes.size() >= 12);
  }

  TEST_CASE("another interval is a new start and the neighbour stays as it was") {
    World world;
    settle(world);

    REQUIRE(
        world.configure(0, {instance("front", "lan", 100, 200ms), instance("back", "wan", 100, 100ms, 2)}).has_value());
    CHECK(world.state(0, 0) == State::backup);
    CHECK(world.state(0, 1) == State::active);
    world.run_for(2s);

    CHECK(world.story(0, 0) == "active>initialize:reload initialize>backup:start backup>active:silence");
    CHECK(world.story(0, 1) == "");
    CHECK(world.broken_rule() == "");
  }

  TEST_CASE("an instance that is gone leaves and one that is new starts") {
    World world;
    settle(world);

    REQUIRE(world.configure(0, {instance("back", "wan", 100, 100ms, 2), instance("third", "lan", 100, 100ms, 3)})
                .has_value());
    world.run_for(2s);

    CHECK_FALSE(world.host(0).holds("front"));
    CHECK(world.host(0).holds("back"));
    CHECK(world.host(0).holds("third"));
    CHECK(world.deposit(0).addresses == 2);
  }

  TEST_CASE("a new instance that cannot be opened changes nothing") {
    World world;
    settle(world);
    world.host(0).set_open_error("interface lan: no room");

    const Result<> done = world.configure(0, {instance("front", "lan", 120), instance("back", "wan", 100, 100ms, 2),
                                              instance("third", "lan", 1, 100ms, 3)});

    REQUIRE(!done);
    CHECK(done.error().text == "vrrp \"third\": interface lan: no room");
    world.run_for(1s);
    CHECK(world.routers(0).size() == 2);
    CHECK(world.count(0, EventKind::transition) == 0);
    CHECK(world.facts(0).priority == Priority{100});
  }

  TEST_CASE("a changed instance that cannot be opened comes back as it was") {
    World world;
    settle(world);
    world.host(0).set_open_error("interface lan: no room");

    const Result<> done =
        world.configure(0, {instance("front", "lan", 100, 200ms), instance("back", "wan", 100, 100ms, 2)});
    world.host(0).set_open_error("");
    world.host(0).set_interface("lan", world.host(0).find("lan"));
    world.run_for(20s);

    REQUIRE(!done);
    CHECK(world.routers(0).router(0).options().interval == 100ms);
    CHECK(world.state(0, 0) == State::active);
    CHECK(world.story(0, 1) == "");
  }

  TEST_CASE("an interface that is not there yet is waited for") {
    World world;
    world.add_node({});

    REQUIRE(world.configure(0, {instance("front", "lan", 100)}).has_value());
    CHECK(world.state(0) == State::initialize);
    InterfaceState lan;
    lan.index = 2;
    lan.up = true;
    lan.source_v4 = ip("10.77.0.1");
    world.host(0).set_interface("lan", lan);
    world.turn(0);
    world.run_for(2s);

    CHECK(world.state(0) == State::active);
  }

  TEST_CASE("a member that joins an active group is active with it") {
    World world;
    settle(world);
    Options front = instance("front", "lan", 100);
    Options third = instance("third", "wan", 100, 100ms, 3);
    front.sync_group = third.sync_group = "both";

    REQUIRE(world.configure(0, {front, third}).has_value());

    CHECK(world.state(0, 0) == State::active);
    CHECK(world.state(0, 1) == State::active);
  }
}

}  // namespace tandem::vrrp
