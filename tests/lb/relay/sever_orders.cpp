#include <doctest/doctest.h>

#include "lb/relay/severing.hpp"

namespace tandem::lb::relay {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{Duration{1'000'000'000}};

/// Sessions without sockets, all on one backend, chosen with the serials 1, 2, 3, ...
struct Sessions {
  explicit Sessions(std::uint32_t count) {
    for (std::uint32_t number = 1; number <= count; ++number) {
      Session& session = table.create();
      session.entry_pool = PoolId{1};
      session.choice = Choice{backend, nullptr, nullptr, PoolId{2}, 1, number, Role::primary};
    }
  }

  std::shared_ptr<Backend> backend =
      std::make_shared<Backend>(BackendId{7}, "cluster", "backend", Endpoint{}, std::size_t{1});
  SessionTable table;
};

Sever of_backend(Duration over = 0s) {
  Sever order;
  order.backend = BackendId{7};
  order.over = over;
  return order;
}

TEST_SUITE("lb/relay/sever_orders") {
  TEST_CASE("an order means the sessions that fit all its conditions and were there before it") {
    Sessions sessions(3);
    const Session& session = *sessions.table.at(1);  // serial 2
    Sever order = of_backend();

    CHECK(matches(order, session, 2));
    CHECK_FALSE(matches(order, session, 1));
    order.pool = PoolId{2};
    CHECK(matches(order, session, 2));
    order.entry_pool = PoolId{9};
    CHECK_FALSE(matches(order, session, 2));
    order.entry_pool = PoolId{1};
    CHECK(matches(order, session, 2));
    order.pool = PoolId{1};
    CHECK_FALSE(matches(order, session, 2));
  }

  TEST_CASE("a batch of 256 goes each turn and the rest may not pass another byte") {
    Sessions sessions(600);
    Severing severing;
    int confirmed = 0;
    severing.begin({of_backend()}, std::make_shared<Publication>(1, [&] { ++confirmed; }), 600, sessions.table, kStart);
    int ended = 0;
    const auto end = [&](Session& session, const Sever&) {
      ++ended;
      session.state.enter(Phase::closed);
    };
    const Session& last = *sessions.table.at(599);

    severing.run(sessions.table, kStart, end);
    CHECK(ended == 256);
    CHECK(severing.pressing());
    CHECK(severing.order_for(last) != nullptr);
    severing.run(sessions.table, kStart, end);
    CHECK(ended == 512);
    CHECK(confirmed == 0);
    severing.run(sessions.table, kStart, end);

    CHECK(ended == 600);
    CHECK(confirmed == 1);
    CHECK_FALSE(severing.pressing());
    CHECK(severing.order_for(last) == nullptr);
  }

  TEST_CASE("an order over a time is confirmed at once and follows the clock") {
    Sessions sessions(100);
    Severing severing;
    int confirmed = 0;
    severing.begin({of_backend(10s)}, std::make_shared<Publication>(1, [&] { ++confirmed; }), 100, sessions.table,
                   kStart);
    int ended = 0;
    const auto end = [&](Session& session, const Sever&) {
      ++ended;
      session.state.enter(Phase::closed);
    };

    CHECK(confirmed == 1);
    severing.run(sessions.table, kStart, end);
    CHECK(ended == 0);
    severing.run(sessions.table, kStart + 5s, end);
    CHECK(ended == 50);
    CHECK(severing.next_deadline().has_value());
    severing.run(sessions.table, kStart + 10s, end);
    CHECK(ended == 100);
    severing.run(sessions.table, kStart + 11s, end);
    CHECK_FALSE(severing.next_deadline().has_value());
  }
}

}  // namespace
}  // namespace tandem::lb::relay
