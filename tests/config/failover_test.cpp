#include "config/failover.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace tandem;
using namespace tandem::config;
using namespace std::chrono_literals;

TEST_SUITE("config/failover") {
  TEST_CASE("version 3 waits by its interval") {
    vrrp::Options options;
    options.priority = vrrp::Priority{100};
    options.interval = 1s;
    CHECK((failover(options) == Failover{609'375us, 3'609'375us}));
    options.interval = 10ms;
    CHECK((failover(options) == Failover{6'093'750ns, 36'093'750ns}));
    options.priority = vrrp::Priority{254};
    CHECK((failover(options) == Failover{78'125ns, 30'078'125ns}));
  }

  TEST_CASE("version 2 has a skew of its own") {
    vrrp::Options options;
    options.version = vrrp::Version::v2;
    options.priority = vrrp::Priority{100};
    options.interval = 5s;
    CHECK((failover(options) == Failover{609'375us, 15'609'375us}));
  }
}
