#include "net/socket.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/socket_address.hpp"

namespace tandem::net {
namespace {

using namespace std::chrono_literals;

Endpoint parse(std::string_view text) { return *Endpoint::parse(text); }

int option(const Fd& socket, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  ::getsockopt(socket.get(), level, name, &value, &length);
  return value;
}

TEST_SUITE("net/socket") {
  TEST_CASE("an address survives the way to the kernel's form and back") {
    for (const char* text : {"192.0.2.1:80", "[2001:db8::1]:65535", "[::]:1"}) {
      CHECK(SocketAddress(parse(text)).endpoint() == parse(text));
    }
    CHECK(SocketAddress(parse("[::ffff:192.0.2.1]:80")).endpoint() == parse("192.0.2.1:80"));
  }

  TEST_CASE("a port in use is told from a free one") {
    const Result<Fd> first = bind_tcp(parse("127.0.0.1:0"), SharePort::yes);
    REQUIRE(first.has_value());
    REQUIRE(listen(*first, 10).has_value());
    const Endpoint bound = local_endpoint(*first).value();

    const Result<Fd> alone = bind_tcp(bound, SharePort::no);
    const Result<Fd> shared = bind_tcp(bound, SharePort::yes);

    REQUIRE_FALSE(alone.has_value());
    CHECK(alone.error().text == "Address already in use");
    CHECK(shared.has_value());
  }

  TEST_CASE("an address that this host does not have can be bound only when it may come later") {
    const Result<Fd> required = bind_tcp(parse("192.0.2.77:0"), SharePort::no);
    const Result<Fd> later = bind_tcp(parse("192.0.2.77:0"), SharePort::no, AddressPresence::later);
    const Result<Fd> later_v6 = bind_tcp(parse("[2001:db8::77]:0"), SharePort::no, AddressPresence::later);

    REQUIRE_FALSE(required.has_value());
    CHECK(required.error().text == "Cannot assign requested address");
    CHECK(later.has_value());
    CHECK(later_v6.has_value());
  }

  TEST_CASE("an IPv6 socket leaves the IPv4 port alone") {
    const Result<Fd> v6 = bind_tcp(parse("[::1]:0"), SharePort::no);
    REQUIRE(v6.has_value());

    CHECK(option(*v6, IPPROTO_IPV6, IPV6_V6ONLY) == 1);
  }

  TEST_CASE("the user timeout ends just under what keepalive adds up to") {
    const Fd socket = open_tcp(IpAddress());

    set_keepalive(socket, {60s, 10s, 3});

    CHECK(option(socket, SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option(socket, IPPROTO_TCP, TCP_KEEPIDLE) == 60);
    CHECK(option(socket, IPPROTO_TCP, TCP_KEEPINTVL) == 10);
    CHECK(option(socket, IPPROTO_TCP, TCP_KEEPCNT) == 3);
    CHECK(option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT) == 85'000);
  }

  TEST_CASE("a moved descriptor is closed once") {
    Fd one = open_tcp(IpAddress());
    const int number = one.get();
    Fd two = std::move(one);

    CHECK(two.get() == number);
    two.close();
    CHECK_FALSE(static_cast<bool>(two));
    CHECK(::send(number, "", 0, 0) == -1);
  }
}

}  // namespace
}  // namespace tandem::net
