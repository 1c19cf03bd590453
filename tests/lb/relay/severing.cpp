#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <thread>

#include "net/socket.hpp"
#include "net/socket_address.hpp"
#include "tests/lb/relay/bench.hpp"

namespace tandem::lb::relay::test {
namespace {

struct Pair {
  Peer client;
  Peer served;
};

std::vector<Pair> open_sessions(const Endpoint& front, const Server& server, int count) {
  std::vector<Pair> pairs;
  for (int number = 0; number < count; ++number) {
    Peer client = connect_to(front);
    REQUIRE(client.send("x"));
    Peer served = server.accept();
    REQUIRE(served.receive(1) == "x");
    pairs.push_back({std::move(client), std::move(served)});
  }
  return pairs;
}

bool alive(const Pair& pair) {
  return pair.client.send("?") && pair.served.receive(1) == "?" && pair.served.send("!") &&
         pair.client.receive(1) == "!";
}

TEST_SUITE("lb/relay/severing") {
  TEST_CASE("severing a backend resets both ends of its sessions and nobody else's") {
    Bench bench(2);
    const Server old;
    const Server other;
    const auto backend = bench.backend(old.address());
    bench.pool(1).backends = {backend};
    bench.pool(2).backends = {bench.backend(other.address())};
    bench.publish();
    const auto doomed = open_sessions(bench.listen({}, 1, 1), old, 20);
    const auto others = open_sessions(bench.listen({}, 2, 2), other, 3);
    CHECK(bench.plane().sessions(backend->id) == 20);

    bench.pool(1).backends.clear();
    Sever order;
    order.backend = backend->id;
    order.cause = Cause::severed_down;
    bench.publish({order});

    CHECK(backend->active.load() == 0);  // published means carried out
    for (const Pair& pair : doomed) {
      CHECK(pair.client.ending() == Peer::Ending::reset);
      CHECK(pair.served.ending() == Peer::Ending::reset);
    }
    CHECK(bench.closed(Cause::severed_down) == 20);
    for (const Pair& pair : others) {
      CHECK(alive(pair));
    }
  }

  TEST_CASE("a pool is severed without the other pool of the same backend") {
    Bench bench;
    const Server server;
    const auto backend = bench.backend(server.address());
    bench.pool(1).backends = {backend};
    bench.pool(2).backends = {backend};
    bench.publish();
    const auto writes = open_sessions(bench.listen({}, 1, 1), server, 2);
    const auto reads = open_sessions(bench.listen({}, 2, 2), server, 2);

    Sever order;
    order.pool = PoolId{1};
    bench.publish({order});

    for (const Pair& pair : writes) {
      CHECK(pair.client.ending() == Peer::Ending::reset);
    }
    CHECK(alive(reads[0]));
    CHECK(alive(reads[1]));
  }

  TEST_CASE("a listener is severed with its waiting clients") {
    Bench bench;
    bench.pool().options.hold = 30s;
    bench.publish();
    const Endpoint front = bench.listen();
    const Peer held = connect_to(front);
    REQUIRE(eventually([&] { return bench.state().held.load() == 1; }));
    bench.plane().close(ListenerId{1});

    Sever order;
    order.listener = ListenerId{1};
    order.cause = Cause::severed_drain;
    bench.publish({order});

    CHECK(held.ending() == Peer::Ending::reset);
    CHECK(bench.closed(Cause::severed_drain) == 1);
    CHECK(bench.state().held.load() == 0);
  }

  TEST_CASE("many sessions are severed over several turns and all are gone when it is confirmed") {
    Bench bench;
    const EchoServer server;
    const auto backend = bench.backend(server.address());
    bench.pool().backends = {backend};
    bench.publish();
    const Endpoint front = bench.listen();
    std::vector<Peer> clients;
    for (int number = 0; number < 700; ++number) {
      clients.push_back(connect_to(front));
    }
    REQUIRE(eventually([&] { return server.accepted() == 700; }));
    REQUIRE(eventually([&] { return bench.state().connecting.load() == 0; }));

    bench.pool().backends.clear();
    Sever order;
    order.pool = PoolId{1};
    bench.publish({order});

    CHECK(bench.closed(Cause::severed_role) == 700);
    CHECK(bench.plane().sessions() == 0);
  }

  TEST_CASE("a sever over a time ends sessions evenly over it") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const auto pairs = open_sessions(bench.listen(), server, 40);

    Sever order;
    order.pool = PoolId{1};
    order.cause = Cause::severed_drain;
    order.over = 1s;
    bench.publish({order});  // has begun
    const auto began = std::chrono::steady_clock::now();
    REQUIRE(eventually([&] { return bench.closed(Cause::severed_drain) >= 20; }));
    const auto half = std::chrono::steady_clock::now() - began;
    REQUIRE(eventually([&] { return bench.closed(Cause::severed_drain) == 40; }));
    const auto whole = std::chrono::steady_clock::now() - began;

    CHECK(whole > 500ms);
    CHECK(half < whole);
  }

  TEST_CASE("a connect that is under way to a severed backend goes elsewhere") {
    Bench bench;
    const Server stuck(0);
    const Server server;
    const net::SocketAddress address(stuck.address());
    std::vector<net::Fd> in_the_way;
    for (int number = 0; number < 3; ++number) {
      in_the_way.push_back(net::open_tcp(stuck.address().address));
      static_cast<void>(::connect(in_the_way.back().get(), address.get(), address.length));
    }
    const auto old = bench.backend(stuck.address());
    bench.pool().options.role = PoolRole::primary;
    bench.pool().options.hold = 30s;
    bench.pool().backends = {old};
    bench.publish();
    const Peer client = connect_to(bench.listen());
    REQUIRE(eventually([&] { return bench.state().connecting.load() == 1; }));

    bench.pool().backends.clear();
    ++bench.pool().generation;
    Sever order;
    order.pool = PoolId{1};
    order.backend = old->id;
    bench.publish({order});
    CHECK(eventually([&] { return bench.state().held.load() == 1; }));
    CHECK(old->active.load() == 0);
    CHECK(bench.state().connecting.load() == 0);

    bench.pool().backends = {bench.backend(server.address())};
    ++bench.pool().generation;
    bench.publish();
    const Peer served = server.accept();
    REQUIRE(served.send("hello"));
    CHECK(client.receive(5) == "hello");
  }

  TEST_CASE("no session lands on a backend after its sever was confirmed") {
    Bench bench(2);
    const EchoServer one;
    const EchoServer two;
    const auto first = bench.backend(one.address());
    const auto second = bench.backend(two.address());
    bench.pool().options.role = PoolRole::primary;
    bench.pool().options.hold = 30s;
    bench.pool().backends = {first};
    bench.publish();
    const Endpoint front = bench.listen();
    std::atomic<bool> stop{false};
    std::atomic<int> failed{0};
    std::thread traffic([&] {
      while (!stop.load()) {
        const Peer client = connect_to(front);
        failed += client ? 0 : 1;
        client.send("x");
      }
    });

    for (int change = 0; change < 25; ++change) {
      const auto& leaving = change % 2 == 0 ? first : second;
      const auto& coming = change % 2 == 0 ? second : first;
      bench.pool().backends.clear();
      ++bench.pool().generation;
      Sever order;
      order.pool = PoolId{1};
      order.backend = leaving->id;
      bench.publish({order});
      CHECK(leaving->active.load() == 0);
      bench.pool().backends = {coming};
      ++bench.pool().generation;
      bench.publish();
      std::this_thread::sleep_for(2ms);
      CHECK(leaving->active.load() == 0);
    }
    stop.store(true);
    traffic.join();

    CHECK(failed.load() == 0);
    CHECK(eventually([&] { return bench.plane().sessions() == 0; }));
  }
}

}  // namespace
}  // namespace tandem::lb::relay::test
