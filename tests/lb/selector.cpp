#include "lb/selector.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "lb/balance/maglev.hpp"
#include "tests/lb/support.hpp"

namespace tandem::lb {

using test::make_candidates;
using test::make_pool;
using test::make_snapshot;

namespace {

/// The name of who was chosen, else "no_backend" or "at_limit".
std::string pick(Selector& selector, std::uint32_t pool, std::vector<BackendId> tried = {}, Spill spill = Spill::no) {
  static Random random(1);
  const auto chosen = selector.select(PoolId{pool}, Flow{}, tried, random, spill);
  if (const auto* selection = std::get_if<Selection>(&chosen)) {
    return selection->candidate->backend->name;
  }
  return std::get<Shortage>(chosen) == Shortage::no_backend ? "no_backend" : "at_limit";
}

PoolOptions with(Balance balance, std::uint32_t max_connections = 0) {
  PoolOptions options;
  options.balance = balance;
  options.max_connections = max_connections;
  return options;
}

}  // namespace

TEST_SUITE("lb/selector") {
  TEST_CASE("a selector without a snapshot and an unknown pool have nobody") {
    Selector selector;

    CHECK(pick(selector, 1) == "no_backend");
    selector.adopt(make_snapshot({}));
    CHECK(pick(selector, 1) == "no_backend");
  }

  TEST_CASE("a selection counts in the backend and in the pool until it is released") {
    const auto pool = make_pool(1, with(Balance::first), make_candidates({{"a"}}));
    Selector selector;
    selector.adopt(make_snapshot({pool}));

    CHECK(pick(selector, 1) == "a");
    CHECK(pool->candidates[0].backend->active == 1);
    CHECK(pool->state->active == 1);

    Selector::release(*pool->candidates[0].backend, *pool->state);
    CHECK(pool->candidates[0].backend->active == 0);
    CHECK(pool->state->active == 0);
  }

  TEST_CASE("full backends and full pools are at_limit and count nothing") {
    const auto by_backend = make_pool(1, with(Balance::least_connections), make_candidates({{"a", 100, 0, 1}}));
    const auto by_pool = make_pool(2, with(Balance::least_connections, 1), make_candidates({{"b"}}));
    Selector selector;
    selector.adopt(make_snapshot({by_backend, by_pool}));

    CHECK(pick(selector, 1) == "a");
    CHECK(pick(selector, 1) == "at_limit");
    CHECK(by_backend->state->active == 1);
    CHECK(pick(selector, 2) == "b");
    CHECK(pick(selector, 2) == "at_limit");
    CHECK(by_pool->state->active == 1);
    CHECK(by_pool->candidates[0].backend->active == 1);
  }

  TEST_CASE("a full tier makes a client queue and only one that may spill goes on to the next tier") {
    const auto pool = make_pool(1, with(Balance::first), make_candidates({{"near", 100, 0, 1}, {"far", 100, 1, 1}}));
    Selector selector;
    selector.adopt(make_snapshot({pool}));

    CHECK(pick(selector, 1) == "near");
    CHECK(pick(selector, 1) == "at_limit");
    CHECK(pick(selector, 1, {}, Spill::yes) == "far");
    CHECK(pick(selector, 1, {}, Spill::yes) == "at_limit");
  }

  TEST_CASE("the next tier serves when the one before is not there") {
    const auto pool = make_pool(1, with(Balance::first), make_candidates({{"far", 100, 7}, {"farther", 100, 9}}));
    Selector selector;
    selector.adopt(make_snapshot({pool}));

    CHECK(pick(selector, 1) == "far");
  }

  TEST_CASE("an empty pool uses its fallback and that one its own") {
    const auto reads = make_pool(1, with(Balance::first), {});
    const auto spare = make_pool(2, with(Balance::first), {});
    const auto writes = make_pool(3, with(Balance::first), make_candidates({{"a", 100, 0, 1}}));
    reads->fallback = PoolId{2};
    spare->fallback = PoolId{3};
    Selector selector;
    selector.adopt(make_snapshot({reads, spare, writes}));

    CHECK(pick(selector, 1) == "a");
    CHECK(writes->state->active == 1);
    CHECK(reads->state->active == 0);
    CHECK(pick(selector, 1) == "at_limit");
  }

  TEST_CASE("a full pool uses its fallback only for a client that may spill") {
    const auto reads = make_pool(1, with(Balance::first, 1), make_candidates({{"a"}}));
    const auto writes = make_pool(2, with(Balance::first), make_candidates({{"b"}}));
    reads->fallback = PoolId{2};
    Selector selector;
    selector.adopt(make_snapshot({reads, writes}));

    CHECK(pick(selector, 1) == "a");
    CHECK(pick(selector, 1) == "at_limit");
    CHECK(pick(selector, 1, {}, Spill::yes) == "b");
  }

  TEST_CASE("fallbacks that form a cycle end as nobody") {
    const auto one = make_pool(1, with(Balance::first), {});
    const auto two = make_pool(2, with(Balance::first), {});
    one->fallback = PoolId{2};
    two->fallback = PoolId{1};
    Selector selector;
    selector.adopt(make_snapshot({one, two}));

    CHECK(pick(selector, 1) == "no_backend");
  }

  TEST_CASE("a tried backend comes again only when there is no other in any tier") {
    for (const Balance algorithm :
         {Balance::first, Balance::round_robin, Balance::least_connections, Balance::power_of_two, Balance::maglev}) {
      const auto pool = make_pool(1, with(algorithm), make_candidates({{"a"}, {"b", 100, 1}}));
      Selector selector;
      selector.adopt(make_snapshot({pool}));

      CHECK(pick(selector, 1) == "a");
      CHECK(pick(selector, 1, {BackendId{1}}) == "b");
      CHECK(pick(selector, 1, {BackendId{1}, BackendId{2}}) == "a");
    }
  }

  TEST_CASE("when those not tried are full a client queues for them and one that may spill tries again") {
    const auto pool = make_pool(1, with(Balance::first), make_candidates({{"a"}, {"b", 100, 0, 1}}));
    Selector selector;
    selector.adopt(make_snapshot({pool}));
    CHECK(pick(selector, 1, {BackendId{1}}) == "b");

    CHECK(pick(selector, 1, {BackendId{1}}) == "at_limit");
    CHECK(pick(selector, 1, {BackendId{1}}, Spill::yes) == "a");
  }

  TEST_CASE("the place in a round robin outlives a snapshot and workers begin at different places") {
    const auto candidates = make_candidates({{"a"}, {"b"}, {"c"}});
    Selector selector;
    selector.adopt(make_snapshot({make_pool(1, with(Balance::round_robin), candidates)}));
    CHECK(pick(selector, 1) == "a");

    selector.adopt(make_snapshot({make_pool(1, with(Balance::round_robin), candidates)}));
    CHECK(pick(selector, 1) == "b");

    Selector second(1);
    second.adopt(make_snapshot({make_pool(1, with(Balance::round_robin), candidates)}));
    CHECK(pick(second, 1) == "b");
  }

  TEST_CASE("limits hold however many workers race for the last slots") {
    constexpr std::uint32_t kBackendLimit = 7;
    constexpr std::uint32_t kPoolLimit = 24;
    constexpr int kTurns = 20'000;
    for (const Balance algorithm :
         {Balance::first, Balance::round_robin, Balance::least_connections, Balance::power_of_two, Balance::maglev}) {
      std::vector<test::Member> members;
      for (const char* name : {"a", "b", "c", "d"}) {
        members.push_back({name, 100, 0, kBackendLimit});
      }
      const auto pool = make_pool(1, with(algorithm, kPoolLimit), make_candidates(members));
      const auto snapshot = make_snapshot({pool});
      std::array<std::atomic<std::uint32_t>, 4> held{};
      std::atomic<std::uint32_t> held_in_all{0};
      std::atomic<bool> broken{false};
      std::atomic<std::uint64_t> taken{0};

      const auto work = [&](std::uint32_t worker) {
        Selector selector(worker);
        selector.adopt(snapshot);
        Random random(worker);
        std::vector<Backend*> mine;
        for (int turn = 0; turn < kTurns; ++turn) {
          if (mine.size() > 9 || (!mine.empty() && random.below(3) == 0)) {
            held[number(mine.back()->id) - 1].fetch_sub(1);
            held_in_all.fetch_sub(1);
            Selector::release(*mine.back(), *pool->state);
            mine.pop_back();
            continue;
          }
          const auto chosen = selector.select(PoolId{1}, Flow{}, {}, random);
          if (const auto* selection = std::get_if<Selection>(&chosen)) {
            Backend& backend = *selection->candidate->backend;
            const bool over = held[number(backend.id) - 1].fetch_add(1) >= kBackendLimit;
            if (held_in_all.fetch_add(1) >= kPoolLimit || over) {
              broken = true;
            }
            mine.push_back(&backend);
            taken.fetch_add(1);
          }
        }
        for (Backend* backend : mine) {
          held[number(backend->id) - 1].fetch_sub(1);
          held_in_all.fetch_sub(1);
          Selector::release(*backend, *pool->state);
        }
      };
      std::vector<std::thread> workers;
      for (std::uint32_t worker = 0; worker < 4; ++worker) {
        workers.emplace_back(work, worker);
      }
      for (std::thread& worker : workers) {
        worker.join();
      }

      CHECK_FALSE(broken);
      CHECK(taken > 1000);
      CHECK(pool->state->active == 0);
      for (const Candidate& candidate : pool->candidates) {
        CHECK(candidate.backend->active == 0);
      }
    }
  }

  TEST_CASE("choosing among 5000 backends is quick enough to do for each connection") {
    std::vector<test::Member> members;
    for (int index = 0; index < 5000; ++index) {
      members.push_back({"b" + std::to_string(index)});
    }
    const auto candidates = make_candidates(members);
    std::vector<balance::MaglevTable::Share> shares;
    for (const test::Member& member : members) {
      shares.push_back({balance::hash_name(member.name), member.weight});
    }
    for (const Balance algorithm :
         {Balance::first, Balance::round_robin, Balance::least_connections, Balance::power_of_two, Balance::maglev}) {
      const auto pool = make_pool(1, with(algorithm), candidates);
      pool->maglev = std::make_shared<const balance::MaglevTable>(shares);
      Selector selector;
      selector.adopt(make_snapshot({pool}));
      const auto begin = std::chrono::steady_clock::now();
      for (int turn = 0; turn < 200; ++turn) {
        pick(selector, 1);
      }
      const auto each = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begin) / 200;
      MESSAGE("balance " << static_cast<int>(algorithm) << ": " << rounded(each) << " a choice among 5000");
      CHECK(each < std::chrono::milliseconds(200));
    }
  }
}

}  // namespace tandem::lb
