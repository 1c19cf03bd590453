#include "app/watcher/pulse.hpp"

#include <doctest/doctest.h>

namespace tandem::app {

using namespace std::chrono_literals;

namespace {

constexpr Instant kBeat{Duration{1'000'000'000'000}};

}  // namespace

TEST_SUITE("app/watcher/pulse") {
  TEST_CASE("a silence as long as the bound is a hang") {
    Pulse pulse;

    CHECK_FALSE(pulse.hangs(kBeat + 199ms, kBeat + 200ms, kBeat, 200ms));
    CHECK(pulse.hangs(kBeat + 200ms, kBeat + 200ms, kBeat, 200ms));
  }

  TEST_CASE("without a bound no silence is too long") {
    Pulse pulse;

    CHECK_FALSE(pulse.hangs(kBeat + 24h, kBeat, kBeat, 0s));
    CHECK(pulse.next_look(kBeat + 24h, kBeat, 0s) == Instant::max());
  }

  TEST_CASE("the next look is a quarter of the bound away and never behind its end") {
    const Pulse pulse;

    CHECK(pulse.next_look(kBeat, kBeat, 200ms) == kBeat + 50ms);
    CHECK(pulse.next_look(kBeat + 190ms, kBeat, 200ms) == kBeat + 200ms);
  }

  TEST_CASE("a watcher that comes late gives one more whole bound") {
    Pulse pulse;

    CHECK_FALSE(pulse.hangs(kBeat + 10s, kBeat + 50ms, kBeat, 200ms));
    CHECK(pulse.next_look(kBeat + 10s, kBeat, 200ms) == kBeat + 10s + 50ms);
    CHECK_FALSE(pulse.hangs(kBeat + 10s + 199ms, kBeat + 10s + 199ms, kBeat, 200ms));
    CHECK(pulse.hangs(kBeat + 10s + 200ms, kBeat + 10s + 200ms, kBeat, 200ms));
  }

  TEST_CASE("the same silence is excused only once") {
    Pulse pulse;
    REQUIRE_FALSE(pulse.hangs(kBeat + 10s, kBeat + 50ms, kBeat, 200ms));

    CHECK(pulse.hangs(kBeat + 20s, kBeat + 10s, kBeat, 200ms));
  }

  TEST_CASE("a beat after an excuse begins a new count") {
    Pulse pulse;
    REQUIRE_FALSE(pulse.hangs(kBeat + 10s, kBeat + 50ms, kBeat, 200ms));
    const Instant again = kBeat + 10s + 20ms;

    CHECK_FALSE(pulse.hangs(again + 199ms, again + 199ms, again, 200ms));
    CHECK(pulse.hangs(again + 200ms, again + 200ms, again, 200ms));
  }
}

}  // namespace tandem::app
