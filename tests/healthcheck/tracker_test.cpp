#include "healthcheck/tracker.hpp"

#include <doctest/doctest.h>

#include <string>

namespace tandem::healthcheck {
namespace {

Verdict answer(Role role = Role::none) {
  Verdict verdict;
  verdict.reachable = true;
  verdict.role = role;
  verdict.role_definite = role != Role::none;
  verdict.epoch = 4;
  verdict.reason = "fine";
  return verdict;
}

Verdict silence() {
  Verdict verdict;
  verdict.reason = "connect refused";
  return verdict;
}

/// '+' and '-' for verdicts in, 'U' and 'D' for up and down out; lower case where the report says "unchanged".
std::string run(Tracker& tracker, std::string_view verdicts) {
  std::string out;
  for (const char verdict : verdicts) {
    const bool changed = tracker.on_verdict(verdict == '+' ? answer() : silence());
    out += tracker.up() ? (changed ? 'U' : 'u') : (changed ? 'D' : 'd');
  }
  return out;
}

TEST_SUITE("healthcheck/tracker") {
  TEST_CASE("the first verdict counts by itself") {
    Tracker good({.rise = 2, .fall = 3});
    Tracker bad({.rise = 2, .fall = 3});

    CHECK_FALSE(good.known());
    CHECK(run(good, "+") == "U");
    CHECK(run(bad, "-") == "D");
    CHECK(bad.known());
  }

  TEST_CASE("fall failures in a row take a backend down and rise successes bring it up") {
    Tracker tracker({.rise = 2, .fall = 3});

    CHECK(run(tracker, "+---") == "UuuD");
    CHECK(run(tracker, "-++") == "ddU");
  }

  TEST_CASE("a success resets the count of failures and a failure that of successes") {
    Tracker tracker({.rise = 2, .fall = 3});

    CHECK(run(tracker, "+--+--+--+") == "Uuuuuuuuuu");
    CHECK(run(tracker, "---") == "uuD");
    CHECK(run(tracker, "+-+-+-++") == "dddddddU");
  }

  TEST_CASE("thresholds of one need no second opinion") {
    Tracker tracker({.rise = 1, .fall = 1});

    CHECK(run(tracker, "+-+-") == "UDUD");
    CHECK_FALSE(tracker.in_transition());
  }

  TEST_CASE("a backend is in transition while verdicts are being counted") {
    Tracker tracker({.rise = 2, .fall = 3});
    CHECK_FALSE(tracker.in_transition());

    run(tracker, "+-");
    CHECK(tracker.in_transition());
    run(tracker, "+");
    CHECK_FALSE(tracker.in_transition());
    run(tracker, "---");
    CHECK_FALSE(tracker.in_transition());
    run(tracker, "+");
    CHECK(tracker.in_transition());
  }

  TEST_CASE("new thresholds apply to the count that is under way") {
    Tracker tracker({.rise = 2, .fall = 5});
    CHECK(run(tracker, "+---") == "Uuuu");

    tracker.set_thresholds({.rise = 2, .fall = 3});

    CHECK(run(tracker, "-") == "D");
  }

  TEST_CASE("a definite role counts at once") {
    Tracker tracker({.rise = 2, .fall = 3});
    tracker.on_verdict(answer(Role::primary));

    CHECK(tracker.on_verdict(answer(Role::replica)));

    CHECK(tracker.up());
    CHECK(tracker.standing().role == Role::replica);
  }

  TEST_CASE("a failure without an answer leaves the role until it counts") {
    Tracker tracker({.rise = 2, .fall = 3});
    tracker.on_verdict(answer(Role::primary));

    CHECK_FALSE(tracker.on_verdict(silence()));
    CHECK(tracker.standing().role == Role::primary);
    CHECK(tracker.standing().epoch == 4U);
    CHECK(tracker.standing().reason == "connect refused");
    CHECK_FALSE(tracker.on_verdict(silence()));
    CHECK(tracker.on_verdict(silence()));

    CHECK(tracker.standing().role == Role::none);
    CHECK_FALSE(tracker.standing().reachable);
    CHECK_FALSE(tracker.standing().epoch);
  }

  TEST_CASE("a primary that says itself that it is none loses the role without counting") {
    Tracker tracker({.rise = 2, .fall = 3});
    tracker.on_verdict(answer(Role::primary));
    Verdict stopping = silence();
    stopping.role_definite = true;

    CHECK(tracker.on_verdict(stopping));

    CHECK(tracker.up());
    CHECK(tracker.standing().role == Role::none);
  }

  TEST_CASE("nobody becomes primary without being reachable") {
    Tracker tracker({.rise = 2, .fall = 3});
    tracker.on_verdict(answer(Role::replica));
    Verdict promoted = silence();
    promoted.role = Role::primary;
    promoted.role_definite = true;

    CHECK(tracker.on_verdict(promoted));
    CHECK(tracker.standing().role == Role::none);

    CHECK(tracker.on_verdict(answer(Role::primary)));
    CHECK(tracker.standing().role == Role::primary);
  }

  TEST_CASE("a primary that answers for itself while its port is shut stays primary until it falls") {
    Tracker tracker({.rise = 2, .fall = 2});
    tracker.on_verdict(answer(Role::primary));
    Verdict shut = silence();
    shut.role = Role::primary;
    shut.role_definite = true;

    CHECK_FALSE(tracker.on_verdict(shut));
    CHECK(tracker.standing().role == Role::primary);
    CHECK(tracker.on_verdict(shut));
    CHECK_FALSE(tracker.up());
  }
}

}  // namespace
}  // namespace tandem::healthcheck
