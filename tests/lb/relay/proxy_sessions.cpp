#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lb/relay/proxy_protocol.hpp"
#include "tests/lb/relay/bench.hpp"

namespace tandem::lb::relay::test {
namespace {

using namespace std::string_literals;

ListenerOptions accepting() {
  ListenerOptions options;
  options.accept_proxy_protocol = true;
  return options;
}

std::string text_of(const EncodedProxyHeader& header) { return std::string(as_text(header.view())); }

TEST_SUITE("lb/relay/proxy_sessions") {
  TEST_CASE("an accepted header names the client and what follows it is passed on") {
    for (const SendProxyProtocol version : {SendProxyProtocol::v1, SendProxyProtocol::v2}) {
      Bench bench;
      const Server server;
      bench.pool().backends = {bench.backend(server.address())};
      bench.publish();
      const Peer client = connect_to(bench.listen(accepting()));

      const ProxiedConnection proxied{*Endpoint::parse("192.0.2.7:1234"), *Endpoint::parse("198.51.100.1:80")};
      REQUIRE(client.send(text_of(encode_proxy_header(version, proxied)) + "GET /"));
      Peer served = server.accept();
      CHECK(served.receive(5) == "GET /");
      served.reset();

      REQUIRE(eventually([&] { return bench.session_lines().size() == 1; }));
      CHECK(bench.session_lines()[0].at("client") == "192.0.2.7:1234");
      CHECK(bench.session_lines()[0].at("received") == "5");
    }
  }

  TEST_CASE("a header may come byte by byte") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Peer client = connect_to(bench.listen(accepting()));

    for (const char one : "PROXY TCP4 192.0.2.7 198.51.100.1 1234 80\r\nhello"s) {
      REQUIRE(client.send(std::string(1, one)));
    }

    CHECK(server.accept().receive(5) == "hello");
  }

  TEST_CASE("a header alone is enough for a backend that speaks first") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Peer client = connect_to(bench.listen(accepting()));
    REQUIRE(client.send("PROXY UNKNOWN\r\n"));

    const Peer served = server.accept();
    REQUIRE(served.send("220"));

    CHECK(client.receive(3) == "220");
  }

  TEST_CASE("missing malformed and oversized headers are refused and counted") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Endpoint front = bench.listen(accepting());

    std::uint64_t refused = 0;
    for (const std::string& bytes : {"GET / HTTP/1.1\r\n\r\n"s, "PROXY TCP4 nonsense\r\n"s,
                                     "\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"s + std::string(9000, 'x'),
                                     "PROXY UNKNOWN "s + std::string(200, 'x')}) {
      const Peer client = connect_to(front);
      REQUIRE(client.send(bytes));
      CHECK(client.ending() == Peer::Ending::reset);
      CHECK(bench.rejected(Rejection::proxy_header) == ++refused);
    }
    const Peer truncated = connect_to(front);
    REQUIRE(truncated.send("PROXY TCP4 192.0"));
    truncated.finish();
    CHECK(truncated.ending() == Peer::Ending::reset);

    CHECK_FALSE(server.accept(0ms));
    CHECK(eventually([&] { return bench.plane().sessions() == 0; }));
    CHECK(bench.listener_state().active.load() == 0);
    CHECK(bench.session_lines().empty());
  }

  TEST_CASE("a header that does not come in time is refused") {
    Bench bench;
    bench.pool();
    bench.publish();
    ListenerOptions options = accepting();
    options.header_timeout = 400ms;
    const Peer client = connect_to(bench.listen(options));
    REQUIRE(client.send("PROXY TC"));

    CHECK(client.ending(30ms) == Peer::Ending::silent);
    CHECK(client.ending() == Peer::Ending::reset);

    CHECK(bench.rejected(Rejection::proxy_header) == 1);
  }

  TEST_CASE("a client without its header is no session when it is severed or the plane stops") {
    Bench bench;
    bench.pool();
    bench.publish();
    const Endpoint front = bench.listen(accepting());
    const Peer severed = connect_to(front);
    REQUIRE(severed.send("PROXY TC"));
    REQUIRE(eventually([&] { return bench.plane().sessions() == 1; }));

    Sever everybody;
    everybody.listener = ListenerId{1};
    everybody.cause = Cause::severed_drain;
    bench.publish({everybody});
    CHECK(severed.ending() == Peer::Ending::reset);
    CHECK(bench.closed(Cause::severed_drain) == 0);
    CHECK(bench.rejected(Rejection::proxy_header) == 1);

    const Peer stopped = connect_to(front);
    REQUIRE(eventually([&] { return bench.plane().sessions() == 1; }));
    bench.plane().stop();
    CHECK(stopped.ending() == Peer::Ending::reset);
    CHECK(bench.closed(Cause::shutdown) == 0);
    CHECK(bench.rejected(Rejection::proxy_header) == 2);
    CHECK(bench.session_lines().empty());
    CHECK(bench.listener_state().active.load() == 0);
  }

  TEST_CASE("a header from somebody who may not send one is refused") {
    Bench bench;
    bench.pool();
    bench.publish();
    ListenerOptions options = accepting();
    options.proxy_protocol_from = {*Prefix::parse("192.0.2.0/24")};

    CHECK(connect_to(bench.listen(options)).ending() == Peer::Ending::reset);

    CHECK(bench.rejected(Rejection::proxy_header) == 1);
  }

  TEST_CASE("allow and deny look at the client in the header") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    ListenerOptions options = accepting();
    options.allow = {*Prefix::parse("192.0.2.0/24")};
    const Endpoint front = bench.listen(options);
    const Peer stranger = connect_to(front);
    const Peer welcome = connect_to(front);

    REQUIRE(stranger.send("PROXY TCP4 203.0.113.7 198.51.100.1 1234 80\r\n"));
    CHECK(stranger.ending() == Peer::Ending::reset);
    REQUIRE(welcome.send("PROXY TCP4 192.0.2.7 198.51.100.1 1234 80\r\n"));

    CHECK(server.accept());
    CHECK(bench.rejected(Rejection::denied) == 1);
  }

  TEST_CASE("the header that is sent comes before the first byte and names the client") {
    for (const SendProxyProtocol version : {SendProxyProtocol::v1, SendProxyProtocol::v2}) {
      Bench bench;
      const Server server;
      bench.pool().backends = {bench.backend(server.address())};
      bench.publish();
      ListenerOptions options;
      options.send_proxy_protocol = version;
      const Peer client = connect_to(bench.listen(options));
      const ProxiedConnection connection{client.local(), client.remote()};
      REQUIRE(client.send("hello"));
      client.finish();

      const std::string received = server.accept().receive_all();

      const auto parsed = parse_proxy_header(as_bytes(received));
      REQUIRE(std::holds_alternative<ProxyHeader>(parsed));
      const ProxyHeader header = std::get<ProxyHeader>(parsed);
      CHECK(header.connection == connection);
      CHECK(received.substr(header.length) == "hello");
    }
  }

  TEST_CASE("an accepted header is sent on as it came") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    ListenerOptions options = accepting();
    options.send_proxy_protocol = SendProxyProtocol::v1;
    const Peer client = connect_to(bench.listen(options));
    const std::string line = "PROXY TCP6 2001:db8::1 2001:db8::2 1234 80\r\n";
    REQUIRE(client.send(line));

    CHECK(server.accept().receive(line.size()) == line);
  }
}

}  // namespace
}  // namespace tandem::lb::relay::test
