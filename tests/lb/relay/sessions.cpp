#include <doctest/doctest.h>

#include "tests/lb/relay/bench.hpp"

namespace tandem::lb::relay::test {
namespace {

TEST_SUITE("lb/relay/sessions") {
  TEST_CASE("bytes go both ways and the end has one cause") {
    Bench bench;
    const Server server;
    const auto backend = bench.backend(server.address());
    bench.pool().backends = {backend};
    bench.publish();
    const Endpoint front = bench.listen();

    Peer client = connect_to(front);
    const Endpoint client_address = client.local();
    Peer served = server.accept();
    REQUIRE(client.send("ping"));
    CHECK(served.receive(4) == "ping");
    REQUIRE(served.send("answer"));
    CHECK(client.receive(6) == "answer");
    client.finish();
    CHECK(served.ending() == Peer::Ending::fin);
    served.close();
    CHECK(client.ending() == Peer::Ending::fin);

    CHECK(eventually([&] { return bench.plane().sessions() == 0; }));
    CHECK(bench.closed(Cause::client_fin) == 1);
    CHECK(backend->active.load() == 0);
    CHECK(bench.state().active.load() == 0);
    CHECK(bench.state().connecting.load() == 0);
    const auto lines = bench.session_lines();
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].at("cause") == "client_fin");
    CHECK(lines[0].at("received") == "4");
    CHECK(lines[0].at("sent") == "6");
    CHECK(lines[0].at("backend") == "cluster/b1");
    CHECK(lines[0].at("client") == to_string(client_address));
  }

  TEST_CASE("a backend that speaks first is heard") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Peer client = connect_to(bench.listen());

    const Peer served = server.accept();
    REQUIRE(served.send("220 hello\r\n"));

    CHECK(client.receive(11) == "220 hello\r\n");
  }

  TEST_CASE("half-close is passed on and the answer still comes") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Peer client = connect_to(bench.listen());
    Peer served = server.accept();

    REQUIRE(client.send("question"));
    client.finish();
    CHECK(served.receive_all() == "question");
    REQUIRE(served.send("answer"));
    served.close();

    CHECK(client.receive_all() == "answer");
  }

  TEST_CASE("a reset by the client reaches the backend as a reset") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    Peer client = connect_to(bench.listen());
    const Peer served = server.accept();
    REQUIRE(client.send("some"));
    REQUIRE(served.receive(4) == "some");

    client.reset();

    CHECK(served.ending() == Peer::Ending::reset);
    CHECK(eventually([&] { return bench.closed(Cause::client_reset) == 1; }));
  }

  TEST_CASE("a reset by the backend reaches the client as a reset after what was said before") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Peer client = connect_to(bench.listen());
    Peer served = server.accept();

    REQUIRE(served.send("last words"));
    served.reset();

    CHECK(client.receive(10) == "last words");
    CHECK(client.ending() == Peer::Ending::reset);
    CHECK(eventually([&] { return bench.closed(Cause::backend_reset) == 1; }));
  }

  TEST_CASE("a client that was reset after its half-close takes the backend with it") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    Peer client = connect_to(bench.listen());
    const Peer served = server.accept();
    client.finish();
    REQUIRE(served.receive(1).empty());

    client.reset();

    CHECK(eventually([&] { return bench.closed(Cause::client_reset) == 1; }));
    CHECK_FALSE(served.send(std::string(4'000'000, 'x')));
  }

  TEST_CASE("stopping ends sessions with cause shutdown") {
    Bench bench(2);
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Peer client = connect_to(bench.listen());
    const Peer served = server.accept();

    bench.plane().stop();

    CHECK(client.ending() == Peer::Ending::reset);
    CHECK(served.ending() == Peer::Ending::reset);
    CHECK(bench.closed(Cause::shutdown) == 1);
    CHECK(bench.plane().sessions() == 0);
  }
}

}  // namespace
}  // namespace tandem::lb::relay::test
