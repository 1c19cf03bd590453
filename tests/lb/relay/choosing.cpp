#include <doctest/doctest.h>
#include <sys/socket.h>

#include <thread>

#include "net/socket.hpp"
#include "net/socket_address.hpp"
#include "tests/lb/relay/bench.hpp"

namespace tandem::lb::relay::test {
namespace {

/// A server whose backlog is full, so that connects to it time out.
class FullServer {
 public:
  FullServer() : server_(0) {
    const net::SocketAddress address(server_.address());
    for (int number = 0; number < 3; ++number) {
      net::Fd fd = net::open_tcp(server_.address().address);
      static_cast<void>(::connect(fd.get(), address.get(), address.length));
      waiting_.push_back(std::move(fd));
    }
    std::this_thread::sleep_for(50ms);
  }
  [[nodiscard]] const Endpoint& address() const { return server_.address(); }

 private:
  Server server_;
  std::vector<net::Fd> waiting_;
};

/// An address where nobody listens.
Endpoint closed_port() {
  Server server;
  return server.address();
}

TEST_SUITE("lb/relay/choosing") {
  TEST_CASE("a connect that times out is answered by another backend") {
    Bench bench;
    const FullServer full;
    const Server server;
    const auto dead = bench.backend(full.address());
    bench.pool().backends = {dead, bench.backend(server.address())};
    bench.pool().options.balance = Balance::first;
    bench.pool().options.connect_timeout = 100ms;
    bench.publish();

    const Peer client = connect_to(bench.listen());
    const Peer served = server.accept();
    REQUIRE(served.send("hello"));

    CHECK(client.receive(5) == "hello");
    CHECK(bench.connect_failures(*dead, ConnectFailure::timeout) == 1);
    CHECK(dead->active.load() == 0);
    REQUIRE(bench.reported().size() == 1);
    CHECK(bench.reported()[0].backend == dead->id);
    CHECK(bench.reported()[0].failure == ConnectFailure::timeout);
  }

  TEST_CASE("a refused connect is answered by another backend") {
    Bench bench;
    const Server server;
    const auto dead = bench.backend(closed_port());
    bench.pool().backends = {dead, bench.backend(server.address())};
    bench.pool().options.balance = Balance::first;
    bench.publish();

    const Peer client = connect_to(bench.listen());
    Peer served = server.accept();
    REQUIRE(client.send("hello"));
    CHECK(served.receive(5) == "hello");
    served.reset();

    CHECK(bench.connect_failures(*dead, ConnectFailure::refused) == 1);
    REQUIRE(eventually([&] { return !bench.session_lines().empty(); }));
    CHECK(bench.session_lines()[0].at("attempts") == "2");
  }

  TEST_CASE("after the last attempt the client is reset with the backend's failure as cause") {
    Bench bench;
    const auto first = bench.backend(closed_port());
    const auto second = bench.backend(closed_port());
    bench.pool().backends = {first, second};
    bench.publish();

    const Peer client = connect_to(bench.listen());

    CHECK(client.ending() == Peer::Ending::reset);
    CHECK(eventually([&] { return bench.closed(Cause::connect_refused) == 1; }));
    CHECK(bench.connect_failures(*first, ConnectFailure::refused) +
              bench.connect_failures(*second, ConnectFailure::refused) ==
          3);
    CHECK(first->active.load() == 0);
    CHECK(bench.state().active.load() == 0);
    CHECK(bench.state().connecting.load() == 0);
  }

  TEST_CASE("a lone backend that refuses is given a moment before it is tried again") {
    Bench bench;
    const Endpoint address = closed_port();
    const auto lone = bench.backend(address);
    bench.pool().backends = {lone};
    bench.pool().options.connect_timeout = 300ms;
    bench.publish();

    const Peer client = connect_to(bench.listen());
    REQUIRE(eventually([&] { return bench.connect_failures(*lone, ConnectFailure::refused) == 1; }));
    const Server back(address);
    const Peer served = back.accept();
    REQUIRE(served.send("hello"));

    CHECK(client.receive(5) == "hello");
    CHECK(bench.connect_failures(*lone, ConnectFailure::refused) == 1);
    CHECK(lone->active.load() == 1);
  }

  TEST_CASE("a client that leaves while its backend is given a moment is forgotten at once") {
    Bench bench;
    const auto lone = bench.backend(closed_port());
    bench.pool().backends = {lone};
    bench.publish();

    Peer client = connect_to(bench.listen());
    REQUIRE(eventually([&] { return bench.connect_failures(*lone, ConnectFailure::refused) == 1; }));
    client.close();

    CHECK(eventually([&] { return bench.closed(Cause::client_fin) == 1; }));
    CHECK(lone->active.load() == 0);
  }

  TEST_CASE("without a backend the client is reset at once") {
    Bench bench;
    bench.pool();
    bench.publish();

    const Peer client = connect_to(bench.listen());

    CHECK(client.ending() == Peer::Ending::reset);
    CHECK(eventually([&] { return bench.closed(Cause::no_backend) == 1; }));
  }

  TEST_CASE("the fallback takes over while the pool is empty and is counted there") {
    Bench bench;
    const Server server;
    bench.pool(1).fallback = PoolId{2};
    bench.pool(2).backends = {bench.backend(server.address())};
    bench.publish();

    Peer client = connect_to(bench.listen());
    const Peer served = server.accept();
    REQUIRE(served.send("hello"));
    CHECK(client.receive(5) == "hello");
    client.close();

    CHECK(served.ending() == Peer::Ending::fin);
  }

  TEST_CASE("denied clients and those not allowed are reset and counted") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    ListenerOptions denying;
    denying.deny = {*Prefix::parse("127.0.0.0/8")};
    ListenerOptions allowing_others;
    allowing_others.allow = {*Prefix::parse("192.0.2.0/24")};
    ListenerOptions allowing;
    allowing.allow = {*Prefix::parse("127.0.0.1")};

    CHECK(connect_to(bench.listen(denying, 1)).ending() == Peer::Ending::reset);
    CHECK(connect_to(bench.listen(allowing_others, 2)).ending() == Peer::Ending::reset);
    const Peer welcome = connect_to(bench.listen(allowing, 3));
    CHECK(server.accept());

    CHECK(bench.rejected(Rejection::denied, 1) == 1);
    CHECK(bench.rejected(Rejection::denied, 2) == 1);
    CHECK(bench.rejected(Rejection::denied, 3) == 0);
  }

  TEST_CASE("a listener takes no more sessions than it may") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    ListenerOptions options;
    options.max_connections = 2;
    const Endpoint front = bench.listen(options);
    Peer first = connect_to(front);
    const Peer second = connect_to(front);
    const Peer served[] = {server.accept(), server.accept()};

    CHECK(connect_to(front).ending() == Peer::Ending::reset);

    CHECK(bench.rejected(Rejection::limit) == 1);
    first.reset();
    CHECK(eventually([&] { return bench.listener_state().active.load() == 1; }));
    const Peer third = connect_to(front);
    CHECK(server.accept());
  }

  TEST_CASE("a listener opened twice names the address and the cause") {
    Bench bench(2);
    bench.pool();
    const Endpoint front = bench.listen();
    auto options = std::make_shared<ListenerOptions>();
    options->name = "web";
    options->bind = {*Endpoint::parse("127.0.0.1:0"), front};

    const Result<void> opened =
        bench.plane().open({ListenerId{9}, options, PoolId{1}, std::make_shared<ListenerState>(2)});

    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().text == "listener \"web\": cannot listen on " + to_string(front) + ": Address already in use");
  }

  TEST_CASE("an address has a listener of its own beside one on all addresses whichever opens first") {
    for (const bool wildcard_first : {true, false}) {
      CAPTURE(wildcard_first);
      Bench bench(2);
      const Server wide_server;
      const Server narrow_server;
      bench.pool(1).backends = {bench.backend(wide_server.address())};
      bench.pool(2).backends = {bench.backend(narrow_server.address())};
      bench.publish();
      const auto open = [&](const std::string& address, std::uint16_t port, std::uint32_t number) {
        ListenerOptions options;
        options.bind = {Endpoint{*IpAddress::parse(address), port}};
        return bench.listen(options, number, number).port;
      };
      const std::uint16_t port = wildcard_first ? open("0.0.0.0", 0, 1) : open("127.0.0.1", 0, 2);
      wildcard_first ? open("127.0.0.1", port, 2) : open("0.0.0.0", port, 1);

      const Peer narrow = connect_to(Endpoint{*IpAddress::parse("127.0.0.1"), port});
      CHECK(narrow_server.accept());
      const Peer wide = connect_to(Endpoint{*IpAddress::parse("127.0.0.2"), port});
      CHECK(wide_server.accept());
      CHECK(bench.listener_state(1).active.load() == 1);
      CHECK(bench.listener_state(2).active.load() == 1);
    }
  }

  TEST_CASE("a closed listener serves its backlog and then frees its address") {
    Bench bench(2);
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Endpoint front = bench.listen();
    std::vector<Peer> clients;
    for (int number = 0; number < 20; ++number) {
      clients.push_back(connect_to(front));
    }

    bench.plane().close(ListenerId{1});

    CHECK_FALSE(connect_to(front));
    for (int number = 0; number < 20; ++number) {
      CHECK(server.accept());
    }
    ListenerOptions same;
    same.bind = {front};
    CHECK(bench.listen(same, 2) == front);
    CHECK(connect_to(front));
  }

  TEST_CASE("IPv6 clients are served over IPv4 backends") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    ListenerOptions options;
    options.bind = {*Endpoint::parse("[::1]:0")};

    const Peer client = connect_to(bench.listen(options));
    const Peer served = server.accept();
    REQUIRE(served.send("hello"));

    CHECK(client.receive(5) == "hello");
  }
}

}  // namespace
}  // namespace tandem::lb::relay::test
