#include <doctest/doctest.h>

#include <thread>

#include "tests/lb/relay/bench.hpp"

namespace tandem::lb::relay::test {
namespace {

TEST_SUITE("lb/relay/timeouts") {
  TEST_CASE("a session without data ends and data postpones that") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    ListenerOptions options;
    options.idle_timeout = 1s;
    const Peer client = connect_to(bench.listen(options));
    const Peer served = server.accept();

    for (int number = 0; number < 4; ++number) {  // 1.6 s in all
      std::this_thread::sleep_for(400ms);
      REQUIRE(client.send("x"));
      REQUIRE(served.receive(1) == "x");
    }
    CHECK(bench.plane().sessions() == 1);

    CHECK(client.ending() == Peer::Ending::fin);
    CHECK(served.ending() == Peer::Ending::fin);
    CHECK(bench.closed(Cause::backend_idle) == 1);  // it had the last question
  }

  TEST_CASE("a half-closed session ends after its own silence") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    ListenerOptions options;
    options.half_close_timeout = 1s;
    const Peer client = connect_to(bench.listen(options));
    const Peer served = server.accept();
    client.finish();
    REQUIRE(served.receive(1).empty());

    for (int number = 0; number < 3; ++number) {
      std::this_thread::sleep_for(400ms);
      REQUIRE(served.send("x"));
      REQUIRE(client.receive(1) == "x");
    }

    CHECK(client.ending() == Peer::Ending::reset);
    CHECK(bench.closed(Cause::backend_idle) == 1);
  }

  TEST_CASE("a shorter idle timeout reaches sessions that are open already") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    ListenerOptions options;
    const Peer client = connect_to(bench.listen(options));
    const Peer served = server.accept();
    CHECK(client.ending(50ms) == Peer::Ending::silent);

    options.name = "front1";
    options.idle_timeout = 100ms;
    bench.update(options);

    CHECK(client.ending() == Peer::Ending::fin);
    CHECK(eventually([&] { return bench.closed(Cause::client_idle) == 1; }));
  }

  TEST_CASE("workers turn every 200 ms while there is nothing to do") {
    Bench bench(2);
    const Instant first = bench.plane().heartbeat(0);
    const Instant second = bench.plane().heartbeat(1);

    CHECK(eventually(
        [&] { return bench.plane().heartbeat(0) >= first + 400ms && bench.plane().heartbeat(1) >= second + 400ms; }));
  }
}

}  // namespace
}  // namespace tandem::lb::relay::test
