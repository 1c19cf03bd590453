#include "lb/pools.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "tests/lb/town.hpp"

namespace tandem::lb {

using test::any_pool;
using test::read_pool;
using test::Town;
using test::write_pool;
using namespace std::chrono_literals;

TEST_SUITE("lb/pools") {
  TEST_CASE("nobody takes traffic before the first verdict and everybody who is up after it") {
    Town town({any_pool()});
    CHECK(town.of("web").empty());

    town.up_without_role("b");
    CHECK(town.of("web") == "b");
    town.primary("a");
    CHECK(town.of("web") == "a b");
    town.down("b");
    CHECK(town.of("web") == "a");
    CHECK(town.severed().empty());
  }

  TEST_CASE("without a probe everybody counts as up") {
    Town town({any_pool(), write_pool()});
    town.cluster.probed = false;
    town.configure();

    CHECK(town.of("web") == "a b c");
    CHECK(town.of("write").empty());
  }

  TEST_CASE("a standing that changes nothing is no step") {
    Town town({any_pool(), write_pool(), read_pool()});
    town.primary("a", 5);
    town.replica("b", 5);

    CHECK(town.replica("b", 5).empty());
    Standing same = Town::up(Role::replica, 5);
    same.reason = "role replica, lag 3 B";
    same.lag_bytes = 3;
    CHECK(town.says("b", same).empty());
    CHECK(town.pools.on_standing(BackendId{999}, same, town.now).empty());
    CHECK(town.configure().empty());
    CHECK(town.applied().empty());
    CHECK(town.after(1h).empty());
  }

  TEST_CASE("a pool that did not change is shared with the snapshot before") {
    Town town({any_pool(), write_pool(), read_pool()});
    town.primary("a", 5);
    const PoolView* write = &town.view("write");
    const PoolView* read = &town.view("read");
    const auto version = town.pools.snapshot()->version;

    town.replica("b", 5);

    CHECK(&town.view("write") == write);
    CHECK(&town.view("read") != read);
    CHECK(town.pools.snapshot()->version == version + 1);
    CHECK(town.last.snapshot == town.pools.snapshot());
  }

  TEST_CASE("tiers and limits order and bound the candidates") {
    PoolOptions web = any_pool();
    web.max_connections_per_backend = 10;
    Town town({web});
    town.cluster.backends[0].tier = 2;
    town.cluster.backends[1].max_connections = 4;
    town.cluster.backends[2].max_connections = 40;
    town.configure();
    for (const char* name : {"a", "b", "c"}) {
      town.up_without_role(name);
    }

    CHECK(town.of("web") == "b c a");
    CHECK(town.view("web").candidates[0].max_connections == 4);
    CHECK(town.view("web").candidates[1].max_connections == 10);
    CHECK(town.view("web").candidates[2].max_connections == 10);
  }

  TEST_CASE("who is drained or has no weight takes no new sessions and keeps those it has") {
    Town town({any_pool()});
    for (const char* name : {"a", "b", "c"}) {
      town.up_without_role(name);
    }

    town.admin("a", AdminState::drain);
    CHECK(town.of("web") == "b c");
    CHECK(town.severed().empty());
    town.cluster.backends[1].weight = 0;
    town.configure();
    CHECK(town.of("web") == "c");
    CHECK(town.severed().empty());
    town.admin("a", AdminState::ready);
    CHECK(town.of("web") == "a c");
  }

  TEST_CASE("a replica pool takes replicas that may be read and are near enough") {
    PoolOptions read = read_pool();
    read.max_lag_bytes = 1000;
    Town town({read, write_pool()});
    town.primary("a", 5);
    Standing standing = Town::up(Role::replica, 5);
    town.says("b", standing);
    CHECK(town.of("read").empty());  // how far behind is not known

    standing.lag_bytes = 1000;
    town.says("b", standing);
    CHECK(town.of("read") == "b");
    standing.lag_bytes = 1001;
    town.says("b", standing);
    CHECK(town.of("read").empty());
    CHECK(town.severed().empty());
    standing.lag_bytes = 0;
    standing.takes_reads = false;
    town.says("b", standing);
    CHECK(town.of("read").empty());
  }

  TEST_CASE("a limit in time needs a lag in time") {
    PoolOptions read = read_pool();
    read.max_lag_time = 2s;
    Town town({read, write_pool()});
    Standing standing = Town::up(Role::replica, 5);
    standing.lag_bytes = 0;
    town.says("b", standing);
    CHECK(town.of("read").empty());

    standing.lag_time = 2s;
    town.says("b", standing);
    CHECK(town.of("read") == "b");
  }

  TEST_CASE("a read pool falls back in the step in which its last replica leaves and returns likewise") {
    Town town({read_pool(), write_pool()});
    town.primary("a", 5);
    town.replica("b", 5);
    CHECK(town.of("read") == "b");
    CHECK(town.view("read").fallback == town.pools.find_pool("write"));
    CHECK_FALSE(town.pools.pools()[0].fallback_active);

    town.down("b");
    CHECK(town.of("read").empty());
    CHECK(town.pools.pools()[0].fallback_active);
    CHECK(town.events() == "pool_empty fallback_started");
    CHECK(town.field("fallback_started", "fallback") == "write");
    CHECK(town.severed().empty());

    town.replica("b", 5);
    CHECK(town.of("read") == "b");
    CHECK_FALSE(town.pools.pools()[0].fallback_active);
    CHECK(town.events() == "pool_back fallback_ended");
    CHECK(town.severed().empty());
  }

  TEST_CASE("return_to_replicas ends the sessions on the fallback over its time") {
    PoolOptions read = read_pool();
    read.return_to_replicas = 10s;
    Town town({read, write_pool()});
    town.primary("a", 5);
    town.replica("b", 5);
    CHECK(town.severed() == "read>write:*:severed_drain");

    town.down("b");
    CHECK(town.severed().empty());
    town.replica("b", 5);
    CHECK(town.severed() == "read>write:*:severed_drain");
    CHECK(town.last.severs[0].over == 10s);
  }

  TEST_CASE("replicas that are promoted or die lose reads as the options say") {
    PoolOptions keeps = read_pool();
    keeps.name = "keeps";
    keeps.sever_on_role_loss = false;
    PoolOptions strict = read_pool();
    strict.sever_on_down = true;
    Town town({strict, keeps, write_pool()});
    town.replica("a");
    town.replica("b");

    town.primary("a");
    CHECK(town.severed() == "read:a:severed_role");
    town.down("b");
    CHECK(town.severed() == "read:b:severed_down");
  }

  TEST_CASE("try_all opens a pool whose backends all failed and says so") {
    PoolOptions web = any_pool();
    web.when_none_healthy = WhenNoneHealthy::try_all;
    Town town({web});
    town.down("a");
    town.down("b");
    CHECK(town.of("web").empty());  // c is not known yet

    town.down("c");
    CHECK(town.of("web") == "a b c");
    CHECK(town.view("web").fail_open);
    CHECK(town.events() == "fail_open_started");
    town.admin("a", AdminState::drain);
    CHECK(town.of("web") == "b c");
    CHECK(town.events().empty());

    town.up_without_role("a");  // drained, but well
    CHECK(town.of("web").empty());
    CHECK_FALSE(town.view("web").fail_open);
    CHECK(town.events() == "fail_open_ended pool_empty");
  }

  TEST_CASE("a reload keeps what keeps its name and address and gives the rest new ids") {
    Town town({any_pool(), write_pool()});
    town.primary("a", 5);
    town.replica("b", 5);
    const BackendId a = town.id("a");
    const BackendId b = town.id("b");
    const auto state = town.view("web").state;

    town.cluster.backends[1].address.port = 1;
    town.cluster.backends[0].weight = 7;
    town.configure();

    CHECK(town.id("a") == a);
    CHECK(town.id("b") != b);
    CHECK(town.of("web") == "a");
    CHECK(town.view("web").candidates[0].weight == 7);
    CHECK(town.view("web").state == state);
    CHECK(town.of("write") == "a");
    CHECK(town.severed().empty());
    CHECK(town.pools.on_standing(b, Town::up(Role::primary, 9), town.now).empty());
  }

  TEST_CASE("a primary that is removed keeps its sessions until another one is admitted") {
    Town town({write_pool()});
    town.primary("a", 5);
    town.replica("b", 5);
    const BackendId a = town.id("a");
    town.cluster.backends.erase(town.cluster.backends.begin());
    town.configure();
    CHECK(town.of("write").empty());
    CHECK(town.severed().empty());
    town.applied();

    town.primary("b", 6);
    REQUIRE(town.last.severs.size() == 1);
    CHECK(town.last.severs[0].backend == a);
    CHECK(town.of("write").empty());
    town.applied();
    CHECK(town.of("write") == "b");
  }

  TEST_CASE("a pool that becomes a write pool ends what its other backends carry before it has a writer") {
    PoolOptions pool = any_pool();
    Town town({pool});
    town.primary("a", 5);
    town.replica("b", 5);
    town.pool_options[0].role = PoolRole::primary;

    town.configure();
    CHECK(town.of("web").empty());
    CHECK(town.severed() == "web:b:severed_role");
    town.applied();
    CHECK(town.of("web") == "a");
  }

  TEST_CASE("a removed pool is gone from the snapshot and a new one has its members at once") {
    Town town({any_pool()});
    town.replica("a", 5);
    const PoolId web = *town.pools.find_pool("web");
    town.pool_options = {read_pool(), write_pool()};

    town.configure();

    CHECK(town.pools.snapshot()->find(web) == nullptr);
    CHECK_FALSE(town.pools.find_pool("web"));
    CHECK(town.of("read") == "a");
    CHECK(town.pools.find_pool("read") != web);
  }

  TEST_CASE("maglev has a table over the lowest tier that is kept while that does not change") {
    PoolOptions web = any_pool();
    web.balance = Balance::maglev;
    Town town({web});
    town.cluster.backends[2].tier = 1;
    town.configure();
    town.up_without_role("a");
    town.up_without_role("b");
    const auto table = town.view("web").maglev;
    REQUIRE(table);

    town.up_without_role("c");
    CHECK(town.view("web").maglev == table);
    town.down("a");
    CHECK(town.view("web").maglev != table);
  }

  TEST_CASE("one verdict among 5000 backends is a quick step") {
    Town town({any_pool(), write_pool(), read_pool()});
    for (int index = 0; index < 5000; ++index) {
      BackendOptions backend;
      backend.name = "n" + std::to_string(index);
      backend.address = Endpoint{IpAddress(), static_cast<std::uint16_t>(10'000 + index)};
      town.cluster.backends.push_back(backend);
    }
    const auto before_reload = std::chrono::steady_clock::now();
    town.configure();
    const Duration reload = std::chrono::steady_clock::now() - before_reload;
    std::vector<std::pair<BackendId, Standing>> all;
    for (const BackendStatus& backend : town.pools.backends()) {
      all.emplace_back(backend.id, Town::up(Role::replica, 5));
    }
    town.pools.on_standings(all, town.now);
    CHECK(town.view("web").candidates.size() == 5003);

    const auto begin = std::chrono::steady_clock::now();
    for (int turn = 0; turn < 20; ++turn) {
      town.down("n77");
      town.replica("n77", 5);
    }
    const Duration each = (std::chrono::steady_clock::now() - begin) / 40;
    const auto begin_same = std::chrono::steady_clock::now();
    for (int turn = 0; turn < 200; ++turn) {
      town.replica("n77", 5);
    }
    const Duration same = (std::chrono::steady_clock::now() - begin_same) / 200;

    MESSAGE("5003 backends in 3 pools: reload " << rounded(reload) << ", a verdict that changes pools " << rounded(each)
                                                << ", one that does not " << rounded(same));
    CHECK(each < 1s);
    CHECK(reload < 5s);
  }
}

}  // namespace tandem::lb
