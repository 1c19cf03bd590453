#include "base/address.hpp"

#include <doctest/doctest.h>

namespace tandem {

TEST_SUITE("base/address") {
  TEST_CASE("an endpoint is an address and a port") {
    CHECK(to_string(*Endpoint::parse("192.0.2.1:80")) == "192.0.2.1:80");
    CHECK(to_string(*Endpoint::parse("[2001:DB8::1]:443")) == "[2001:db8::1]:443");
    CHECK(Endpoint::parse("192.0.2.1:0")->port == 0);
  }

  TEST_CASE("what is wrong with an endpoint is said") {
    CHECK(Endpoint::parse("192.0.2.1").error().text ==
          "\"192.0.2.1\" has no port; write ADDRESS:PORT, for IPv6 [ADDRESS]:PORT");
    CHECK(Endpoint::parse("2001:db8::1:80").error().text ==
          "\"2001:db8::1:80\": write an IPv6 address in brackets, like \"[2001:db8::1]:80\"");
    CHECK(Endpoint::parse("192.0.2.1:65536").error().text ==
          "\"192.0.2.1:65536\": \"65536\" is not a port (0 to 65535)");
    CHECK(Endpoint::parse("db-1:5432").error().text == "\"db-1:5432\": \"db-1\" is not an IP address");
    CHECK(Endpoint::parse("[192.0.2.1]:80").error().text == "\"[192.0.2.1]:80\": brackets are for IPv6 addresses");
    CHECK(Endpoint::parse("[::1").has_error());
    CHECK(Endpoint::parse("[::1]80").has_error());
    CHECK(Endpoint::parse("[::1]x:80").has_error());
    CHECK(Endpoint::parse(":80").has_error());
    CHECK(Endpoint::parse("").has_error());
  }

  TEST_CASE("a prefix contains the addresses of its family that share its bits") {
    CHECK(Prefix::parse("10.0.0.0/8")->contains(*IpAddress::parse("10.255.1.2")));
    CHECK_FALSE(Prefix::parse("10.0.0.0/8")->contains(*IpAddress::parse("11.0.0.0")));
    CHECK(Prefix::parse("192.0.2.128/25")->contains(*IpAddress::parse("192.0.2.200")));
    CHECK_FALSE(Prefix::parse("192.0.2.128/25")->contains(*IpAddress::parse("192.0.2.100")));
    CHECK(Prefix::parse("2001:db8::/33")->contains(*IpAddress::parse("2001:db8:7fff::1")));
    CHECK_FALSE(Prefix::parse("2001:db8::/33")->contains(*IpAddress::parse("2001:db8:8000::1")));
    CHECK(Prefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("203.0.113.9")));
    CHECK_FALSE(Prefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("::1")));
    CHECK(Prefix::parse("192.0.2.7")->length() == 32);
  }

  TEST_CASE("what is wrong with a prefix is said") {
    CHECK(Prefix::parse("10.0.0.1/8").error().text ==
          "\"10.0.0.1/8\" has bits beyond its length; did you mean \"10.0.0.0/8\"?");
    CHECK(Prefix::parse("10.0.0.0/33").error().text == "\"10.0.0.0/33\": the prefix length is 0 to 32");
    CHECK(Prefix::parse("net/8").has_error());
    CHECK(Prefix::parse("10.0.0.0/").has_error());
  }

  TEST_CASE("loopback is known in both families and mapped") {
    CHECK(IpAddress::parse("127.9.9.9")->is_loopback());
    CHECK(IpAddress::parse("::1")->is_loopback());
    CHECK(IpAddress::parse("::ffff:127.0.0.1")->is_loopback());
    CHECK_FALSE(IpAddress::parse("::")->is_loopback());
    CHECK(to_string(IpAddress::parse("::ffff:192.0.2.1")->unmapped()) == "192.0.2.1");
  }
}

}  // namespace tandem
