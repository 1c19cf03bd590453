#include "healthcheck/schedule.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace tandem::healthcheck {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{std::chrono::hours(1)};
constexpr Schedule::Intervals kIntervals{.normal = 1s, .fast = 250ms};

/// A schedule whose first probe has just begun at its time; `now` becomes that time.
Schedule begun(Instant& now, Random& random) {
  Schedule schedule(kIntervals, kStart, random);
  now = schedule.due();
  REQUIRE_FALSE(schedule.on_start(now));
  return schedule;
}

TEST_SUITE("healthcheck/schedule") {
  TEST_CASE("first probes are spread evenly over one interval") {
    Random random(1);
    std::array<int, 10> tenths{};

    for (int backend = 0; backend < 5000; ++backend) {
      const Schedule schedule(kIntervals, kStart, random);
      const Duration offset = schedule.due() - kStart;
      REQUIRE(offset >= 0s);
      REQUIRE(offset < 1s);
      ++tenths.at(static_cast<std::size_t>(offset / 100ms));
    }

    CHECK(*std::min_element(tenths.begin(), tenths.end()) > 400);
    CHECK(*std::max_element(tenths.begin(), tenths.end()) < 600);
  }

  TEST_CASE("every interval is jittered by ten percent") {
    Random random(2);
    Instant now;
    Schedule schedule = begun(now, random);
    Duration shortest = 1h;
    Duration longest = 0s;

    for (int probe = 0; probe < 2000; ++probe) {
      schedule.on_end(now + 10ms, Schedule::Pace::normal, random);
      shortest = std::min(shortest, schedule.due() - now);
      longest = std::max(longest, schedule.due() - now);
      now = schedule.due();
      schedule.on_start(now);
    }

    CHECK(shortest >= 900ms);
    CHECK(shortest < 910ms);
    CHECK(longest <= 1100ms);
    CHECK(longest > 1090ms);
  }

  TEST_CASE("in transition the next probe comes after the fast interval") {
    Random random(3);
    Instant now;
    Schedule schedule = begun(now, random);

    schedule.on_end(now + 10ms, Schedule::Pace::fast, random);

    CHECK(schedule.due() - now >= 225ms);
    CHECK(schedule.due() - now <= 275ms);
  }

  TEST_CASE("a probe that took longer than the interval is followed by the next at once") {
    Random random(4);
    Instant now;
    Schedule schedule = begun(now, random);

    schedule.on_end(now + 1s, Schedule::Pace::fast, random);

    CHECK(schedule.due() == now + 1s);
  }

  TEST_CASE("a timer that fires later than half the interval is late") {
    Random random(5);
    Schedule schedule(kIntervals, kStart, random);

    CHECK_FALSE(schedule.on_start(schedule.due() + 500ms));
    CHECK(schedule.on_start(schedule.due() + 501ms));
  }

  TEST_CASE("asking makes a backend due at once") {
    Random random(6);
    Instant now;
    Schedule schedule = begun(now, random);
    schedule.on_end(now + 10ms, Schedule::Pace::normal, random);

    schedule.ask_now(now + 20ms);

    CHECK(schedule.due() == now + 20ms);
  }

  TEST_CASE("asking is granted once per fast interval") {
    Random random(7);
    Instant now;
    Schedule schedule = begun(now, random);
    schedule.on_end(now + 1ms, Schedule::Pace::normal, random);
    schedule.ask_now(now + 2ms);
    schedule.on_start(now + 2ms);
    schedule.on_end(now + 3ms, Schedule::Pace::normal, random);

    schedule.ask_now(now + 4ms);
    CHECK(schedule.due() == now + 252ms);
    schedule.ask_now(now + 100ms);

    CHECK(schedule.due() == now + 252ms);
  }

  TEST_CASE("asking during a probe makes another one follow it") {
    Random random(8);
    Instant now;
    Schedule schedule = begun(now, random);

    schedule.ask_now(now + 5ms);
    schedule.on_end(now + 10ms, Schedule::Pace::normal, random);

    CHECK(schedule.due() == now + 10ms);
    schedule.on_start(now + 10ms);
    schedule.on_end(now + 11ms, Schedule::Pace::normal, random);
    CHECK(schedule.due() >= now + 900ms);
  }

  TEST_CASE("an urgent cluster is probed within one fast interval") {
    Random random(9);
    Instant now;
    Schedule schedule = begun(now, random);
    schedule.on_end(now + 10ms, Schedule::Pace::normal, random);

    schedule.hurry(now + 10ms, random);

    CHECK(schedule.due() >= now + 10ms);
    CHECK(schedule.due() < now + 260ms);
  }

  TEST_CASE("new intervals keep the phase but nobody waits longer than the new one") {
    Random random(10);
    Instant now;
    Schedule schedule = begun(now, random);
    schedule.on_end(now, Schedule::Pace::normal, random);
    const Instant due = schedule.due();

    schedule.set_intervals({.normal = 10s, .fast = 1s}, now, random);
    CHECK(schedule.due() == due);
    schedule.set_intervals({.normal = 100ms, .fast = 50ms}, now, random);

    CHECK(schedule.due() <= now + 110ms);
  }

  TEST_CASE("time that the thread did not get to run adds up") {
    Starvation starvation(100ms);
    starvation.restart(kStart);

    starvation.on_tick(kStart + 100ms);
    CHECK(starvation.total(kStart + 150ms) == 0ms);
    CHECK(starvation.total(kStart + 600ms) == 400ms);
    starvation.on_tick(kStart + 700ms);

    CHECK(starvation.total(kStart + 700ms) == 500ms);
    CHECK(starvation.next_tick() == kStart + 800ms);
  }

  TEST_CASE("losing more than half of the timeout is starving") {
    CHECK_FALSE(starved(500ms, 1s));
    CHECK(starved(501ms, 1s));
  }
}

}  // namespace
}  // namespace tandem::healthcheck
