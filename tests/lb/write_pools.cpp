#include "lb/pools.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "tests/lb/town.hpp"

namespace tandem::lb {

using test::Town;
using test::write_pool;
using namespace std::chrono_literals;

TEST_SUITE("lb/write_pools") {
  TEST_CASE("the first primary is admitted at once") {
    Town town({write_pool()});
    CHECK(town.status().urgent);

    town.primary("a", 5);

    CHECK(town.of("write") == "a");
    CHECK(town.events() == "primary_changed");
    CHECK(town.field("primary_changed", "backend") == "a");
    CHECK(town.status().primary == town.id("a"));
    CHECK(town.status().primary_changes == 0);
    CHECK_FALSE(town.status().urgent);
  }

  TEST_CASE("a new primary is admitted when every worker let go of the old one") {
    Town town({write_pool()});
    town.primary("a", 5);
    town.replica("b", 5);
    const auto generation = town.view("write").generation;

    town.replica("a", 5);
    CHECK(town.of("write").empty());
    CHECK(town.view("write").generation == generation + 1);
    CHECK(town.severed() == "write:a:severed_role");
    CHECK(town.last.snapshot);
    CHECK(town.events() == "pool_empty primary_lost");
    CHECK(town.status().urgent);

    town.primary("b", 6);
    CHECK(town.of("write").empty());
    town.now += 20ms;
    town.applied();
    CHECK(town.of("write") == "b");
    CHECK(town.view("write").generation == generation + 1);
    CHECK(town.severed().empty());
    CHECK(town.field("primary_changed", "before") == "a");
    CHECK(town.field("primary_changed", "without") == "20ms");
    CHECK(town.status().primary_changes == 1);
  }

  TEST_CASE("a switch seen in one step still takes two") {
    Town town({write_pool()});
    town.primary("a", 5);
    town.replica("b", 5);

    town.primary("b", 6);
    CHECK(town.of("write").empty());
    CHECK(town.severed() == "write:a:severed_role");
    const auto version = town.last.snapshot->version;
    CHECK(town.pools.on_applied(version - 1, town.now).empty());
    CHECK(town.of("write").empty());

    town.applied();
    CHECK(town.of("write") == "b");
  }

  TEST_CASE("workers that do not confirm delay the new primary by one second") {
    Town town({write_pool()});
    town.primary("a", 5);
    town.primary("b", 6);
    REQUIRE(town.pools.next_deadline() == test::kStart + 1s);

    town.after(999ms);
    CHECK(town.of("write").empty());
    town.after(1ms);
    CHECK(town.of("write") == "b");
    CHECK(town.events() == "handover_unconfirmed pool_back primary_changed");
    CHECK_FALSE(town.pools.next_deadline());
  }

  TEST_CASE("a dead primary loses its sessions and may come back only after that") {
    Town town({write_pool()});
    town.primary("a", 5);

    town.down("a");
    CHECK(town.severed() == "write:a:severed_down");
    CHECK(town.field("primary_lost", "reason") == "connect refused");
    town.primary("a", 5);
    CHECK(town.of("write").empty());
    town.applied();
    CHECK(town.of("write") == "a");
    CHECK(town.status().primary_changes == 0);
  }

  TEST_CASE("a primary that is reachable but has no role any more loses its sessions") {
    Town town({write_pool()});
    town.primary("a", 5);

    town.up_without_role("a");

    CHECK(town.of("write").empty());
    CHECK(town.severed() == "write:a:severed_role");
  }

  TEST_CASE("sessions left with a dead primary end when it turns out to be a replica") {
    PoolOptions write = write_pool();
    write.sever_on_down = false;
    Town town({write});
    town.primary("a", 5);
    town.down("a");
    CHECK(town.severed().empty());

    town.replica("a", 6);
    CHECK(town.severed() == "write:a:severed_role");
  }

  TEST_CASE("sessions left with a dead primary end before another one is admitted") {
    PoolOptions write = write_pool();
    write.sever_on_down = false;
    Town town({write});
    town.primary("a", 5);
    town.down("a");
    town.applied();

    town.primary("b", 6);
    CHECK(town.of("write").empty());
    CHECK(town.severed() == "write:a:severed_role");
    town.applied();
    CHECK(town.of("write") == "b");
  }

  TEST_CASE("a primary that said replica between two reports of one step has lost the pool") {
    Town town({write_pool()});
    town.primary("a", 5);
    const std::vector<std::pair<BackendId, Standing>> reports{{town.id("a"), Town::up(Role::replica, 5)},
                                                              {town.id("a"), Town::up(Role::primary, 5)}};

    town.last = town.pools.on_standings(reports, town.now);

    CHECK(town.severed() == "write:a:severed_role");
    CHECK(town.of("write").empty());
    town.applied();
    CHECK(town.of("write") == "a");
  }

  TEST_CASE("a drained primary keeps its sessions and the pool but takes no new ones") {
    Town town({write_pool()});
    town.primary("a", 5);
    const auto generation = town.view("write").generation;

    town.admin("a", AdminState::drain);

    CHECK(town.of("write").empty());
    CHECK(town.severed().empty());
    CHECK(town.view("write").generation == generation);
    CHECK(town.status().primary == town.id("a"));
    town.admin("a", AdminState::ready);
    CHECK(town.of("write") == "a");
  }

  TEST_CASE("two primaries that cannot be told apart leave nobody until one gives way") {
    Town town({write_pool()});
    town.primary("a", 5);

    town.primary("b", 5);
    CHECK(town.of("write").empty());
    CHECK(town.severed() == "write:a:severed_role");
    CHECK(town.events() == "conflict_started conflict_unsettled pool_empty primary_lost");
    CHECK(town.field("conflict_started", "backends") == "a, b");
    CHECK(town.status().conflict == std::vector<BackendId>{town.id("a"), town.id("b")});
    CHECK(town.status().urgent);
    town.applied();
    CHECK(town.of("write").empty());
    CHECK(town.primary("b", 5).empty());

    town.replica("a", 5);
    CHECK(town.of("write") == "b");
    CHECK(town.events() == "conflict_ended pool_back primary_changed");
  }

  TEST_CASE("a conflict that the epoch settles does not disturb the winner") {
    Town town({write_pool()});
    town.primary("b", 6);
    const PoolView* before = &town.view("write");

    town.primary("a", 5);

    CHECK(&town.view("write") == before);
    CHECK(town.events() == "conflict_started conflict_settled");
    CHECK(town.field("conflict_settled", "backend") == "b");
    CHECK(town.field("conflict_settled", "reason") == "b has the highest epoch, 6");
    CHECK(town.status().urgent);
  }

  TEST_CASE("a conflict is told once however often its epochs move") {
    Town town({write_pool()});
    town.primary("a", 100);
    town.primary("b", 200);
    town.applied();

    town.primary("b", 201);
    CHECK(town.events().empty());
    CHECK(town.of("write") == "b");
  }

  TEST_CASE("each write pool follows its own policy in a conflict") {
    PoolOptions careful = write_pool();
    careful.name = "careful";
    careful.on_conflict = OnConflict::refuse;
    Town town({write_pool(), careful});
    town.primary("a", 5);

    town.primary("b", 6);
    town.applied();

    CHECK(town.of("write") == "b");
    CHECK(town.of("careful").empty());
    town.replica("a", 6);
    CHECK(town.of("careful") == "b");
  }

  TEST_CASE("an operator settles a conflict") {
    Town town({write_pool()});
    town.primary("a", 5);
    town.primary("b", 5);
    town.applied();

    CHECK(town.pools.on_promote(town.id("c"), town.now).error().text ==
          "backend \"db/c\": it does not say that it is primary");
    auto promoted = town.pools.on_promote(town.id("b"), town.now);
    REQUIRE(promoted.has_value());
    CHECK(town.of("write") == "b");
    CHECK(promoted->snapshot == town.pools.snapshot());
    CHECK(town.status().conflict_reason == "an operator chose b");
  }

  TEST_CASE("a stale primary alone is refused and told once") {
    Town town({write_pool()});
    town.primary("b", 6);
    town.down("b");
    town.applied();

    town.primary("a", 5);
    CHECK(town.of("write").empty());
    CHECK(town.events() == "stale_primary_refused");
    CHECK(town.field("stale_primary_refused", "backend") == "a");
    town.up_without_role("c");
    CHECK(town.events().empty());
  }

  TEST_CASE("an epoch that goes backwards is an event") {
    Town town({write_pool()});
    town.primary("a", 5);

    town.primary("a", 4);

    CHECK(town.events() == "epoch_backwards");
    CHECK(town.field("epoch_backwards", "from") == "5");
    CHECK(town.field("epoch_backwards", "to") == "4");
    CHECK(town.of("write") == "a");
  }

  TEST_CASE("servers that replace all others owe nothing to their epochs") {
    Town town({write_pool()});
    town.primary("a", 6);
    for (BackendOptions& backend : town.cluster.backends) {
      backend.address.port = static_cast<std::uint16_t>(backend.address.port + 1000);
    }
    town.configure();
    town.primary("b", 1);
    town.applied();
    town.applied();

    CHECK(town.of("write") == "b");
  }
}

}  // namespace tandem::lb
