#include <doctest/doctest.h>

#include "tests/lb/town.hpp"

namespace tandem::lb {

using test::Town;
using test::write_pool;

TEST_SUITE("lb/conflicts") {
  TEST_CASE("a cluster whose write pools all refuse says that nobody is written to") {
    PoolOptions careful = write_pool();
    careful.on_conflict = OnConflict::refuse;
    Town town({careful});
    town.primary("a", 6);

    town.primary("b", 5);
    CHECK(town.of("write").empty());
    CHECK(town.events() == "conflict_started conflict_unsettled pool_empty primary_lost");
    CHECK(town.field("conflict_unsettled", "backend") == "nobody");
    const std::string reason =
        "on_conflict = \"refuse\": nobody is written to until one gives way or an operator chooses (tandem promote "
        "db/BACKEND)";
    CHECK(town.field("conflict_unsettled", "reason") == reason);
    CHECK(town.field("primary_lost", "reason") == reason);
    CHECK(town.status().conflict_reason == reason);
    town.applied();

    REQUIRE(town.pools.on_promote(town.id("b"), town.now).has_value());
    CHECK(town.of("write") == "b");
    CHECK(town.status().conflict_reason == "an operator chose b");
  }

  TEST_CASE("a cluster with one pool that takes the newest says how that is settled") {
    PoolOptions careful = write_pool();
    careful.name = "careful";
    careful.on_conflict = OnConflict::refuse;
    Town town({careful, write_pool()});
    town.primary("a", 6);

    town.primary("b", 5);
    CHECK(town.field("conflict_settled", "backend") == "a");
    CHECK(town.status().conflict_reason == "a has the highest epoch, 6");
  }

  TEST_CASE("a change of policy while a conflict lasts is told") {
    Town town({write_pool()});
    town.primary("a", 6);
    town.primary("b", 5);

    town.pool_options[0].on_conflict = OnConflict::refuse;
    town.configure();
    CHECK(town.field("conflict_unsettled", "backend") == "nobody");
    CHECK(town.of("write").empty());
  }

  TEST_CASE("a conflict that is not settled says how an operator settles it") {
    Town town({write_pool()});
    town.primary("a", 5);

    town.primary("b", 5);
    const std::string reason =
        "no epoch and no promotion that was seen tells which is newer; \"tandem promote db/BACKEND\" settles it";
    CHECK(town.field("conflict_unsettled", "reason") == reason);
    CHECK(town.status().conflict_reason == reason);
  }
}

}  // namespace tandem::lb
