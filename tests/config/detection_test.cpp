#include "config/detection.hpp"

#include <doctest/doctest.h>

using namespace tandem;
using namespace tandem::config;
using namespace std::chrono_literals;

TEST_SUITE("config/detection") {
  TEST_CASE("a dead backend is noticed one jittered interval and two fast ones later by default") {
    const Detection worst = detection(healthcheck::ProbeOptions{});

    CHECK((worst.refused == 1650ms));  // 1.1 s + 2 x 275 ms
    CHECK((worst.silent == 4100ms));   // 1.1 s + 3 timeouts of 1 s
    CHECK_FALSE(worst.new_primary);
  }

  TEST_CASE("the first failure is enough with fall 1") {
    healthcheck::ProbeOptions probe;
    probe.interval = 2s;
    probe.timeout = 500ms;
    probe.fall = 1;
    const Detection worst = detection(probe);

    CHECK((worst.refused == 2200ms));
    CHECK((worst.silent == 2700ms));
  }

  TEST_CASE("a timeout shorter than the fast interval does not bring the next probe nearer") {
    healthcheck::ProbeOptions probe;
    probe.interval = 1s;
    probe.fast_interval = 500ms;
    probe.timeout = 100ms;
    probe.fall = 3;
    const Detection worst = detection(probe);

    CHECK((worst.refused == 2200ms));  // 1.1 s + 2 x 550 ms
    CHECK((worst.silent == 2300ms));   // the last one takes its timeout
  }

  TEST_CASE("a new primary is asked within one fast interval") {
    healthcheck::ProbeOptions probe;
    probe.kind = healthcheck::PatroniProbeOptions{};

    CHECK((detection(probe).new_primary == std::optional<Duration>(275ms)));
  }
}
