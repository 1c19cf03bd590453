#include <doctest/doctest.h>

#include <thread>

#include "tests/lb/relay/bench.hpp"

namespace tandem::lb::relay::test {
namespace {

PoolSetup& make_write_pool(Bench& bench, Duration hold = 30s) {
  PoolSetup& pool = bench.pool();
  pool.options.role = PoolRole::primary;
  pool.options.hold = hold;
  pool.role = Role::primary;
  return pool;
}

TEST_SUITE("lb/relay/waiting") {
  TEST_CASE("held clients are served in order of arrival once a backend appears") {
    Bench bench;
    const Server server;
    make_write_pool(bench);
    bench.publish();
    const Endpoint front = bench.listen();
    std::vector<Peer> clients;
    for (char name = 'a'; name < 'f'; ++name) {
      clients.push_back(connect_to(front));
      REQUIRE(clients.back().send(std::string(1, name)));
      REQUIRE(eventually([&] { return bench.state().held.load() == clients.size(); }));
    }

    bench.pool().backends = {bench.backend(server.address())};
    bench.pool().options.connecting_max = 1;
    ++bench.pool().generation;
    bench.publish();

    for (char name = 'a'; name < 'f'; ++name) {
      CHECK(server.accept().receive(1) == std::string(1, name));
    }
    CHECK(bench.state().held.load() == 0);
    clients.clear();
    REQUIRE(eventually([&] { return bench.session_lines().size() == 5; }));
    CHECK(bench.session_lines()[0].at("held") != rounded(0s));
    CHECK(bench.session_lines()[0].at("role") == "primary");
  }

  TEST_CASE("a held client is reset when its time is up") {
    Bench bench;
    make_write_pool(bench, 400ms);
    bench.publish();

    const Peer client = connect_to(bench.listen());

    CHECK(client.ending(50ms) == Peer::Ending::silent);
    CHECK(client.ending() == Peer::Ending::reset);
    CHECK(eventually([&] { return bench.closed(Cause::hold_timeout) == 1; }));
    CHECK(bench.state().held.load() == 0);
  }

  TEST_CASE("a held client that goes away is forgotten at once") {
    Bench bench;
    make_write_pool(bench);
    bench.publish();
    const Endpoint front = bench.listen();
    Peer polite = connect_to(front);
    Peer rude = connect_to(front);
    Peer busy = connect_to(front);
    REQUIRE(busy.send("SELECT 1"));
    REQUIRE(eventually([&] { return bench.state().held.load() == 3; }));

    polite.close();
    rude.reset();

    CHECK(eventually([&] { return bench.state().held.load() == 1; }));
    CHECK(bench.closed(Cause::client_fin) == 1);
    CHECK(bench.closed(Cause::client_reset) == 1);
    busy.reset();
    CHECK(eventually([&] { return bench.state().held.load() == 0; }));
  }

  TEST_CASE("a held client that asked and ended its side still gets its answer") {
    Bench bench;
    const Server server;
    make_write_pool(bench);
    bench.publish();
    const Peer client = connect_to(bench.listen());
    REQUIRE(client.send("question"));
    client.finish();
    REQUIRE(eventually([&] { return bench.state().held.load() == 1; }));

    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    Peer served = server.accept();

    CHECK(served.receive_all() == "question");
    REQUIRE(served.send("answer"));
    served.close();
    CHECK(client.receive_all() == "answer");
  }

  TEST_CASE("no more clients are held than may be") {
    Bench bench(2);
    make_write_pool(bench).options.hold_max = 3;
    bench.publish();
    const Endpoint front = bench.listen();
    std::vector<Peer> held;
    for (int number = 0; number < 3; ++number) {
      held.push_back(connect_to(front));
    }
    REQUIRE(eventually([&] { return bench.state().held.load() == 3; }));

    CHECK(connect_to(front).ending() == Peer::Ending::reset);

    CHECK(eventually([&] { return bench.closed(Cause::limit) == 1; }));
    CHECK(bench.state().held.load() == 3);
  }

  TEST_CASE("clients of a read pool are held for the write pool that it falls back to") {
    Bench bench;
    const Server server;
    make_write_pool(bench);
    bench.pool(2).fallback = PoolId{1};
    bench.publish();
    const Peer client = connect_to(bench.listen({}, 1, 2));
    REQUIRE(eventually([&] { return bench.state(1).held.load() == 1; }));

    bench.pool(2).backends = {bench.backend(server.address())};
    bench.publish();
    const Peer served = server.accept();
    REQUIRE(served.send("hello"));

    CHECK(client.receive(5) == "hello");
    CHECK(bench.state(1).held.load() == 0);
  }

  TEST_CASE("a failed connect in a write pool puts the client on hold until another primary comes") {
    Bench bench;
    Server dying;
    const Server server;
    const auto old = bench.backend(dying.address());
    dying.close();
    make_write_pool(bench).backends = {old};
    bench.publish();
    const Peer client = connect_to(bench.listen());
    REQUIRE(eventually([&] { return bench.state().held.load() == 1; }));
    CHECK(bench.reported().at(0).backend == old->id);
    CHECK(client.ending(700ms) == Peer::Ending::silent);  // tried again meanwhile, and not given up
    CHECK(bench.connect_failures(*old, ConnectFailure::refused) >= 2);

    bench.pool().backends = {bench.backend(server.address())};
    ++bench.pool().generation;
    bench.publish();
    const Peer served = server.accept();
    REQUIRE(served.send("hello"));

    CHECK(client.receive(5) == "hello");
    CHECK(bench.state().held.load() == 0);
    CHECK(old->active.load() == 0);
  }

  TEST_CASE("the hold time of a client whose connects fail is counted from its arrival") {
    Bench bench;
    Server dying;
    make_write_pool(bench, 400ms).backends = {bench.backend(dying.address())};
    dying.close();
    bench.publish();
    const auto began = std::chrono::steady_clock::now();

    CHECK(connect_to(bench.listen()).ending() == Peer::Ending::reset);

    CHECK(std::chrono::steady_clock::now() - began < 5s);
    CHECK(eventually([&] { return bench.closed(Cause::hold_timeout) == 1; }));
  }

  TEST_CASE("clients over a backend's limit queue and follow in order") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.pool().max_connections_per_backend = 1;
    bench.publish();
    const Endpoint front = bench.listen();
    Peer first = connect_to(front);
    REQUIRE(first.send("a"));
    Peer served = server.accept();
    REQUIRE(served.receive(1) == "a");
    std::vector<Peer> queued;
    for (char name = 'b'; name < 'e'; ++name) {
      queued.push_back(connect_to(front));
      REQUIRE(queued.back().send(std::string(1, name)));
      REQUIRE(eventually([&] { return bench.state().queued.load() == queued.size(); }));
    }
    CHECK_FALSE(server.accept(100ms));

    const auto began = std::chrono::steady_clock::now();
    first.reset();
    for (char name = 'b'; name < 'e'; ++name) {
      served = server.accept();
      CHECK(served.receive(1) == std::string(1, name));
      served.reset();
    }

    CHECK(std::chrono::steady_clock::now() - began < 500ms);  // called, not found on a patrol
    CHECK(bench.state().queued.load() == 0);
  }

  TEST_CASE("a slot that one worker frees goes to a client that waits at another") {
    Bench bench(2);
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.pool().options.max_connections = 1;
    bench.publish();
    const Endpoint front = bench.listen();
    std::vector<Peer> clients;
    for (int number = 0; number < 24; ++number) {  // the kernel spreads them over both workers
      clients.push_back(connect_to(front));
    }
    REQUIRE(eventually([&] { return bench.state().queued.load() == 23; }));
    CHECK(bench.plane().worker_stats()[0].sessions.value() > 0);
    CHECK(bench.plane().worker_stats()[1].sessions.value() > 0);

    const auto began = std::chrono::steady_clock::now();
    for (int number = 0; number < 24; ++number) {
      Peer served = server.accept();
      REQUIRE(served);
      served.reset();
    }

    CHECK(std::chrono::steady_clock::now() - began < 2s);  // 24 patrols would be 6 s
    CHECK(eventually([&] { return bench.plane().sessions() == 0; }));
    CHECK(bench.state().active.load() == 0);
  }

  TEST_CASE("who waits too long in the queue is reset") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.pool().options.max_connections = 1;
    bench.pool().options.queue_timeout = 100ms;
    bench.publish();
    const Endpoint front = bench.listen();
    const Peer first = connect_to(front);
    const Peer served = server.accept();

    CHECK(connect_to(front).ending() == Peer::Ending::reset);

    CHECK(eventually([&] { return bench.closed(Cause::queue_timeout) == 1; }));
    CHECK(bench.state().queued.load() == 0);
  }

  TEST_CASE("who waited too long for a tier takes the next one") {
    Bench bench;
    const Server wanted;
    const Server spare;
    bench.pool().backends = {bench.backend(wanted.address()), bench.backend(spare.address())};
    bench.pool().tiers = {0, 1};
    bench.pool().max_connections_per_backend = 1;
    bench.pool().options.queue_timeout = 50ms;
    bench.publish();
    const Endpoint front = bench.listen();
    const Peer first = connect_to(front);
    const Peer first_served = wanted.accept();

    const Peer second = connect_to(front);

    CHECK(spare.accept());
  }

  TEST_CASE("a full queue refuses at once") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.pool().options.max_connections = 1;
    bench.pool().options.queue_max = 1;
    bench.publish();
    const Endpoint front = bench.listen();
    const Peer first = connect_to(front);
    const Peer served = server.accept();
    const Peer queued = connect_to(front);
    REQUIRE(eventually([&] { return bench.state().queued.load() == 1; }));

    CHECK(connect_to(front).ending() == Peer::Ending::reset);

    CHECK(eventually([&] { return bench.closed(Cause::limit) == 1; }));
    CHECK(queued.ending(50ms) == Peer::Ending::silent);
  }
}

}  // namespace
}  // namespace tandem::lb::relay::test
