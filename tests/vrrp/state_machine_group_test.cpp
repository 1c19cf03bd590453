#include "vrrp/state_machine.hpp"

#include <doctest/doctest.h>

#include "tests/vrrp/machines.hpp"

namespace tandem::vrrp {

TEST_SUITE("vrrp/state_machine_group") {
  TEST_CASE("an invited backup is active at once") {
    struct Row {
      int priority;
      Duration startup_delay;
    };
    for (const Row& row : {Row{100, 0s}, Row{1, 30s}}) {
      Options with = options(row.priority);
      with.startup_delay = row.startup_delay;
      StateMachine node = backup(with);
      CHECK(node.on_advert(advert(200), start + 1s) == kNothing);

      CHECK(node.on_invited(start + 1001ms).size() == 3);

      CHECK(node.state() == State::active);
      CHECK(node.next_deadline() == start + 2001ms);
    }
  }

  TEST_CASE("an invitation means nothing to who is active or stopped") {
    StateMachine node = active(options(100));

    CHECK(node.on_invited(start + 1ms) == kNothing);
    CHECK(node.on_handover(start + 2ms).size() == 1);
    CHECK(node.on_invited(start + 3ms) == kNothing);
    CHECK(node.is_leaving());
    CHECK(node.on_shutdown(Farewell::at_once, start + 4ms).size() == 2);
    CHECK(node.on_invited(start + 5ms) == kNothing);
    CHECK(node.state() == State::initialize);
  }

  TEST_CASE("a group that yields gives its addresses away and does not take them back by itself") {
    StateMachine node = active(options(200));

    CHECK(node.on_group_yield(Patience::usual, start) == Actions{SendAdvert{kLeaving}, ReleaseAddresses{}});

    CHECK(node.state() == State::backup);
    CHECK(node.on_advert(advert(100), start + 1s) == kNothing);
    CHECK(node.next_deadline() == start + 4'218'750us);  // does not preempt
  }

  TEST_CASE("of two groups that yield to one another the patient one waits longer") {
    StateMachine usual = active(options(200));
    StateMachine patient = active(options(200));
    CHECK(usual.on_group_yield(Patience::usual, start).size() == 2);
    CHECK(patient.on_group_yield(Patience::extended, start).size() == 2);

    CHECK(usual.on_advert(advert(0), start + 1ms) == kNothing);
    CHECK(patient.on_advert(advert(0), start + 1ms) == kNothing);

    CHECK(usual.next_deadline() == start + 219'750us);
    CHECK(patient.next_deadline() == start + 3'218'750us);
    CHECK(patient.on_advert(advert(100), start + 1s) == kNothing);
    CHECK(patient.on_advert(advert(0), start + 2s) == kNothing);
    CHECK(patient.next_deadline() == start + 2'218'750us);  // a later farewell is taken as ever
  }

  TEST_CASE("a member that still hears the active router says for how long") {
    StateMachine node = backup(options(100));
    CHECK(node.hears_active_until() == start + 3'609'375us);  // nothing is known before its own first election

    CHECK(node.on_advert(advert(200, 100ms), start + 1s) == kNothing);
    CHECK(node.hears_active_until() == start + 1200ms);
    CHECK(node.on_advert(advert(0, 100ms), start + 1100ms) == kNothing);
    CHECK(node.hears_active_until() == std::nullopt);
  }

  TEST_CASE("a postponed election comes later and never earlier") {
    StateMachine node = backup(options(100));

    node.postpone(start + 5s);
    node.postpone(start + 4s);

    CHECK(node.next_deadline() == start + 5s);
  }

  TEST_CASE("what a backup waits for") {
    StateMachine node = backup(options(100));
    CHECK(node.awaited() == Awaited::silence);
    CHECK(node.on_advert(advert(50), start + 1s) == kNothing);
    CHECK(node.awaited() == Awaited::preemption);
    CHECK(node.on_advert(advert(0), start + 2s) == kNothing);
    CHECK(node.awaited() == Awaited::farewell);
    CHECK(node.on_advert(advert(150), start + 2s) == kNothing);
    CHECK(node.awaited() == Awaited::silence);
  }

  TEST_CASE("a thread that stood still is known by it") {
    StateMachine node = backup(options(100));

    CHECK_FALSE(node.stood_still(start + 2 * 3'609'375us));
    CHECK(node.stood_still(start + 2 * 3'609'375us + 1ns) == 3'609'375us + 1ns);
  }
}

}  // namespace tandem::vrrp
