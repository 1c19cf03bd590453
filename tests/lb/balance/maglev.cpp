#include "lb/balance/maglev.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/lb/support.hpp"

namespace tandem::lb::balance {

namespace {

std::vector<MaglevTable::Share> shares(int count, std::uint32_t weight = 100) {
  std::vector<MaglevTable::Share> all;
  for (int index = 0; index < count; ++index) {
    all.push_back({hash_name("web-" + std::to_string(index)), weight});
  }
  return all;
}

std::vector<std::uint32_t> slots_of_each(const MaglevTable& table, std::size_t backends) {
  std::vector<std::uint32_t> slots(backends);
  for (std::uint32_t slot = 0; slot < MaglevTable::kSlots; ++slot) {
    ++slots[table.at(slot)];
  }
  return slots;
}

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

}  // namespace

TEST_SUITE("lb/balance/maglev") {
  TEST_CASE("equal backends share the table to within one slot") {
    const MaglevTable table(shares(10));

    for (const std::uint32_t slots : slots_of_each(table, 10)) {
      CHECK(slots >= 6553);
      CHECK(slots <= 6554);
    }
  }

  TEST_CASE("weights set the shares") {
    auto three = shares(3, 100);
    three[1].weight = 200;
    three[2].weight = 1;

    const auto slots = slots_of_each(MaglevTable(three), 3);

    CHECK(slots[0] == doctest::Approx(21'773).epsilon(0.01));
    CHECK(slots[1] == doctest::Approx(43'546).epsilon(0.01));
    CHECK(slots[2] == doctest::Approx(218).epsilon(0.02));
  }

  TEST_CASE("removing one of ten moves few slots of the other nine") {
    const auto ten = shares(10);
    std::vector<MaglevTable::Share> nine = ten;
    nine.erase(nine.begin() + 4);
    const MaglevTable before(ten);
    const MaglevTable after(nine);

    int moved = 0;
    for (std::uint32_t slot = 0; slot < MaglevTable::kSlots; ++slot) {
      const auto was = ten[before.at(slot)];
      moved += was != ten[4] && was != nine[after.at(slot)] ? 1 : 0;
    }

    MESSAGE(moved << " of 58983 slots of the other nine moved");
    CHECK(moved < 58'983 * 6 / 100);
  }

  TEST_CASE("nobody has an empty table and one backend has every slot") {
    CHECK(MaglevTable({}).empty());
    CHECK(slots_of_each(MaglevTable(shares(1)), 1)[0] == 65'537);
  }

  TEST_CASE("5000 backends all have slots and the table is built in milliseconds") {
    const auto many = shares(5000);
    const auto begin = std::chrono::steady_clock::now();
    const MaglevTable table(many);
    const auto took = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - begin);

    MESSAGE("built in " << rounded(took));
    for (const std::uint32_t slots : slots_of_each(table, 5000)) {
      REQUIRE(slots >= 13);
    }
  }

  TEST_CASE("the hash counts only the prefix of the client") {
    PoolOptions options;
    options.maglev_prefix_v4 = 20;
    options.maglev_prefix_v6 = 64;

    CHECK(hash_client(ip("192.0.16.1"), options) == hash_client(ip("192.0.31.255"), options));
    CHECK(hash_client(ip("192.0.16.1"), options) != hash_client(ip("192.0.32.1"), options));
    CHECK(hash_client(ip("2001:db8::1"), options) == hash_client(ip("2001:db8::ffff:0:0:2"), options));
    CHECK(hash_client(ip("2001:db8::1"), options) != hash_client(ip("2001:db8:0:1::1"), options));
  }

  TEST_CASE("a client goes back to the same backend and to a constant other one while that is full") {
    auto candidates = test::make_candidates({{"web-0"}, {"web-1"}, {"web-2"}, {"web-3"}, {"web-4"}});
    for (Candidate& candidate : candidates) {
      candidate.max_connections = 1;
    }
    const MaglevTable table(shares(5));
    const Tier tier{candidates, {}};
    const std::uint64_t client = hash_client(ip("198.51.100.7"), PoolOptions{});

    const Candidate* home = maglev(tier, table, client);
    CHECK(maglev(tier, table, client) == home);
    home->backend->active = 1;
    const Candidate* other = maglev(tier, table, client);
    CHECK(other != home);
    CHECK(maglev(tier, table, client) == other);
    for (const Candidate& candidate : candidates) {
      candidate.backend->active = 1;
    }
    CHECK(maglev(tier, table, client) == nullptr);
    home->backend->active = 0;
    CHECK(maglev(tier, table, client) == home);
  }

  TEST_CASE("without a table each client still has a constant backend and the clients spread by weight") {
    const auto candidates = test::make_candidates({{"a", 100}, {"b", 300}});
    const Tier tier{candidates, {}};
    int heavy = 0;
    for (std::uint64_t client = 0; client < 4000; ++client) {
      const Candidate* home = rendezvous(tier, mix(client));
      CHECK(rendezvous(tier, mix(client)) == home);
      heavy += home->backend->name == "b" ? 1 : 0;
    }

    CHECK(heavy == doctest::Approx(3000).epsilon(0.05));
  }
}

}  // namespace tandem::lb::balance
