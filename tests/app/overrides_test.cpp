#include "app/overrides.hpp"

#include <doctest/doctest.h>

namespace tandem::app {

using namespace std::chrono_literals;

namespace {

constexpr Instant kStart{Duration{1h}};

Drain drain_until(std::optional<Instant> ends) {
  Drain drain;
  drain.who = "alice";
  drain.ends = ends;
  return drain;
}

}  // namespace

TEST_SUITE("app/overrides") {
  TEST_CASE("a drain without an end stays until it is taken back") {
    Overrides overrides;
    overrides.drain({"orders", "pg-0"}, drain_until(std::nullopt));

    CHECK(overrides.expire(kStart + 1000h).empty());
    CHECK(overrides.find({"orders", "pg-0"})->who == "alice");
    CHECK(overrides.take_back({"orders", "pg-0"}));
    CHECK_FALSE(overrides.take_back({"orders", "pg-0"}));
    CHECK(overrides.find({"orders", "pg-0"}) == nullptr);
  }

  TEST_CASE("a drain with an end expires then and not before") {
    Overrides overrides;
    overrides.drain({"orders", "pg-0"}, drain_until(kStart + 10s));
    overrides.drain({"orders", "pg-1"}, drain_until(kStart + 5s));

    CHECK(overrides.next_deadline() == kStart + 5s);
    CHECK(overrides.expire(kStart + 4s).empty());
    CHECK(overrides.expire(kStart + 5s) == std::vector<Overrides::Key>{{"orders", "pg-1"}});
    CHECK(overrides.next_deadline() == kStart + 10s);
  }
}

}  // namespace tandem::app
