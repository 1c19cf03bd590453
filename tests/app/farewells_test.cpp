#include "app/farewells.hpp"

#include <doctest/doctest.h>

namespace tandem::app {

using namespace std::chrono_literals;

TEST_SUITE("app/farewells") {
  TEST_CASE("sessions of something removed are severed over the last tenth of the drain timeout") {
    constexpr Instant start{Duration{1h}};
    Farewells farewells;
    lb::Sever sever;
    sever.backend = BackendId{7};

    farewells.add(sever, start, 5min);

    CHECK(farewells.next_deadline() == start + 270s);
    CHECK(farewells.due(start + 269s).empty());
    const std::vector<lb::Sever> due = farewells.due(start + 270s);
    REQUIRE(due.size() == 1);
    CHECK(due[0].backend == BackendId{7});
    CHECK(due[0].cause == lb::Cause::severed_drain);
    CHECK(due[0].over == 30s);
    CHECK_FALSE(farewells.next_deadline().has_value());
  }
}

}  // namespace tandem::app
