#include "lb/pool_events.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/lb/town.hpp"

namespace tandem::lb {

using test::Town;
using test::write_pool;

namespace {

void remove_backend(Town& town, std::string_view name) {
  std::erase_if(town.cluster.backends, [&](const BackendOptions& one) { return one.name == name; });
  town.configure();
}

}  // namespace

TEST_SUITE("lb/pool_events") {
  TEST_CASE("a primary that was removed keeps its name in the events that follow") {
    Town town({write_pool()});
    town.primary("b", 5);
    town.replica("a", 5);

    remove_backend(town, "b");
    CHECK(town.field("primary_lost", "backend") == "b");
    CHECK(town.field("primary_lost", "reason") == "it was removed from the configuration");
    town.applied();
    town.configure();

    town.primary("a", 6);
    town.applied();
    CHECK(town.field("primary_changed", "backend") == "a");
    CHECK(town.field("primary_changed", "before") == "b");
  }

  TEST_CASE("a conflict that ends by removal names who was in it") {
    Town town({write_pool()});
    town.primary("a", 5);
    town.primary("b", 6);

    remove_backend(town, "a");

    CHECK(town.field("conflict_ended", "backends") == "a, b");
  }
}

}  // namespace tandem::lb
