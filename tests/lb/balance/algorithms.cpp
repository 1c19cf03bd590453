#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "lb/balance/first.hpp"
#include "lb/balance/least_connections.hpp"
#include "lb/balance/power_of_two.hpp"
#include "lb/balance/round_robin.hpp"
#include "tests/lb/support.hpp"

namespace tandem::lb::balance {

using test::make_candidates;

namespace {

std::string turns(RoundRobin& order, const std::vector<Candidate>& candidates, int count) {
  std::string names;
  for (int turn = 0; turn < count; ++turn) {
    const Candidate* chosen = order.choose(Tier{candidates, {}}, 0);
    names += chosen == nullptr ? "-" : chosen->backend->name;
  }
  return names;
}

}  // namespace

TEST_SUITE("lb/balance") {
  TEST_CASE("round robin spreads a heavy backend's turns") {
    const auto candidates = make_candidates({{"a", 5}, {"b", 1}, {"c", 1}});
    RoundRobin order;
    order.adopt(candidates, 0);

    CHECK(turns(order, candidates, 14) == "aabacaaaabacaa");
  }

  TEST_CASE("round robin passes over a full backend and goes on when it has room") {
    const auto candidates = make_candidates({{"a", 1}, {"b", 1, 0, 1}, {"c", 1}});
    RoundRobin order;
    order.adopt(candidates, 0);
    candidates[1].backend->active = 1;

    CHECK(turns(order, candidates, 4) == "acac");
    candidates[1].backend->active = 0;
    const std::string names = turns(order, candidates, 6);
    CHECK(std::count(names.begin(), names.end(), 'b') == 2);
  }

  TEST_CASE("round robin gives a newcomer its share and not a burst") {
    auto candidates = make_candidates({{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}});
    const std::vector<Candidate> three(candidates.begin(), candidates.begin() + 3);
    RoundRobin order;
    order.adopt(three, 0);
    turns(order, three, 100);

    order.adopt(candidates, 0);
    const std::string names = turns(order, candidates, 40);
    for (const char name : {'a', 'b', 'c', 'd'}) {
      CHECK(std::abs(std::count(names.begin(), names.end(), name) - 10) <= 1);
    }
  }

  TEST_CASE("round robin in nobody chooses nobody") {
    RoundRobin order;
    order.adopt({}, 3);

    CHECK(order.choose(Tier{}, 0) == nullptr);
  }

  TEST_CASE("least connections takes the one with most room for its weight") {
    const auto candidates = make_candidates({{"a", 100}, {"b", 300}, {"c", 100}});
    candidates[0].backend->active = 3;  // 3/100
    candidates[1].backend->active = 8;  // 8/300
    candidates[2].backend->active = 4;  // 4/100
    Random random(7);

    CHECK(least_connections(Tier{candidates, {}}, random)->backend->name == "b");
    candidates[1].backend->active = 10;  // 10/300
    CHECK(least_connections(Tier{candidates, {}}, random)->backend->name == "a");
  }

  TEST_CASE("least connections shares evenly among equals") {
    const auto candidates = make_candidates({{"busy"}, {"a"}, {"b"}, {"c"}, {"full", 100, 0, 1}});
    candidates[0].backend->active = 5;
    candidates[4].backend->active = 1;
    for (const std::size_t idle : {1U, 2U, 3U}) {
      candidates[idle].backend->active = 2;
    }
    Random random(7);
    std::map<std::string, int> chosen;
    for (int turn = 0; turn < 3000; ++turn) {
      ++chosen[least_connections(Tier{candidates, {}}, random)->backend->name];
    }

    CHECK(chosen.size() == 3);
    for (const auto& entry : chosen) {
      CAPTURE(entry.first);
      CHECK(entry.second > 850);
      CHECK(entry.second < 1150);
    }
  }

  TEST_CASE("idle backends get short sessions in proportion to their weights") {
    using Algorithm = const Candidate* (*)(const Tier&, Random&);
    for (const Algorithm choose : {Algorithm{least_connections}, Algorithm{power_of_two}}) {
      const auto candidates = make_candidates({{"a", 100}, {"b", 100}, {"c", 50}});
      Random random(7);
      std::map<std::string, int> chosen;
      for (int turn = 0; turn < 10'000; ++turn) {
        ++chosen[choose(Tier{candidates, {}}, random)->backend->name];
      }

      CHECK(chosen["a"] > 3700);
      CHECK(chosen["a"] < 4300);
      CHECK(chosen["b"] > 3700);
      CHECK(chosen["b"] < 4300);
      CHECK(chosen["c"] > 1800);
      CHECK(chosen["c"] < 2400);
    }
  }

  TEST_CASE("power of two holds sessions in proportion to the weights") {
    const auto candidates = make_candidates({{"a", 100}, {"b", 100}, {"c", 50}});
    Random random(7);
    for (int turn = 0; turn < 1000; ++turn) {
      ++power_of_two(Tier{candidates, {}}, random)->backend->active;
    }

    CHECK(std::abs(static_cast<int>(candidates[0].backend->active) - 400) < 20);
    CHECK(std::abs(static_cast<int>(candidates[1].backend->active) - 400) < 20);
    CHECK(std::abs(static_cast<int>(candidates[2].backend->active) - 200) < 20);
  }

  TEST_CASE("least connections ends up proportional to the weights") {
    const auto candidates = make_candidates({{"a", 1}, {"b", 2}, {"c", 7}});
    Random random(7);
    for (int turn = 0; turn < 1000; ++turn) {
      ++least_connections(Tier{candidates, {}}, random)->backend->active;
    }

    CHECK(candidates[0].backend->active == 100);
    CHECK(candidates[1].backend->active == 200);
    CHECK(candidates[2].backend->active == 700);
  }

  TEST_CASE("power of two keeps loads within a few of each other and never takes the most loaded") {
    const auto candidates = make_candidates({{"a"}, {"b"}, {"c"}, {"d"}, {"e"}, {"worst"}});
    candidates[5].backend->active = 100'000;
    Random random(7);
    for (int turn = 0; turn < 5000; ++turn) {
      ++power_of_two(Tier{candidates, {}}, random)->backend->active;
    }

    CHECK(candidates[5].backend->active == 100'000);
    for (std::size_t index = 0; index < 5; ++index) {
      CHECK(candidates[index].backend->active > 980);
      CHECK(candidates[index].backend->active < 1020);
    }
  }

  TEST_CASE("power of two finds the last one with room") {
    std::vector<test::Member> members(200, {"full", 100, 0, 1});
    members[137] = {"room", 100, 0, 2};
    const auto candidates = make_candidates(members);
    for (const Candidate& candidate : candidates) {
      candidate.backend->active = 1;
    }
    Random random(7);

    CHECK(power_of_two(Tier{candidates, {}}, random)->backend->name == "room");
    candidates[137].backend->active = 2;
    CHECK(power_of_two(Tier{candidates, {}}, random) == nullptr);
  }

  TEST_CASE("first fills in order") {
    const auto candidates = make_candidates({{"a", 100, 0, 1}, {"b", 100, 0, 1}});

    CHECK(first(Tier{candidates, {}})->backend->name == "a");
    candidates[0].backend->active = 1;
    CHECK(first(Tier{candidates, {}})->backend->name == "b");
    candidates[1].backend->active = 1;
    CHECK(first(Tier{candidates, {}}) == nullptr);
  }
}

}  // namespace tandem::lb::balance
