#include "lb/relay/proxy_protocol.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace tandem::lb::relay {
namespace {

using Parsed = std::variant<ProxyHeader, ProxyHeaderState>;
using namespace std::string_literals;

Endpoint endpoint(std::string_view text) { return *Endpoint::parse(text); }

ProxyHeaderState state_of(std::string_view text) {
  const Parsed parsed = parse_proxy_header(as_bytes(text));
  REQUIRE(std::holds_alternative<ProxyHeaderState>(parsed));
  return std::get<ProxyHeaderState>(parsed);
}

ProxyHeader header_of(std::string_view text) {
  const Parsed parsed = parse_proxy_header(as_bytes(text));
  REQUIRE(std::holds_alternative<ProxyHeader>(parsed));
  return std::get<ProxyHeader>(parsed);
}

/// Every proper prefix is unfinished, the whole is a header of that length, and what follows does not matter.
void check_grows(const std::string& text) {
  for (std::size_t size = 0; size < text.size(); ++size) {
    CHECK(state_of(std::string_view(text).substr(0, size)) == ProxyHeaderState::unfinished);
  }
  CHECK(header_of(text).length == text.size());
  CHECK(header_of(text + "GET / HTTP/1.1\r\n").length == text.size());
}

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

TEST_SUITE("lb/relay/proxy_protocol") {
  TEST_CASE("version 1 names both ends over IPv4") {
    const std::string line = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";

    check_grows(line);
    CHECK(header_of(line).connection == ProxiedConnection{endpoint("192.0.2.7:56324"), endpoint("198.51.100.1:443")});
  }

  TEST_CASE("version 1 names both ends over IPv6") {
    const std::string line = "PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n";

    check_grows(line);
    CHECK(header_of(line).connection ==
          ProxiedConnection{endpoint("[2001:db8::1]:1"), endpoint("[2001:db8::2]:65535")});
  }

  TEST_CASE("UNKNOWN keeps the socket's addresses whatever follows it") {
    for (const std::string& line :
         std::vector<std::string>{"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 anything 1 2\r\n"}) {
      check_grows(line);
      CHECK_FALSE(header_of(line).connection.has_value());
    }
  }

  TEST_CASE("malformed version 1 lines are refused") {
    for (const std::string& line : std::vector<std::string>{
             "GET / HTTP/1.1\r\n", "PROXY\r\n", "PROXY TCP4\r\n", "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
             "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\n", "PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n",
             "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443 1\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 70000 443\r\n",
             "PROXY TCP4 192.0.2.7 198.51.100.1 012 443\r\n", "PROXY TCP4 192.0.2.700 198.51.100.1 1 443\r\n",
             "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n",
             "PROXY  TCP4 192.0.2.7 198.51.100.1 1 2\r\n", "PROXY TCP4 192.0.2.7 198.51.100.1 -1 2\r\n", "PROXY \n",
             "proxy TCP4 192.0.2.7 198.51.100.1 1 2\r\n"}) {
      CAPTURE(line);
      CHECK(state_of(line) == ProxyHeaderState::malformed);
    }
    CHECK(state_of("PROXY UNKNOWN " + std::string(93, 'x')) == ProxyHeaderState::malformed);  // 107 and no end
    CHECK(state_of("PROXY UNKNOWN " + std::string(92, 'x')) == ProxyHeaderState::unfinished);
  }

  TEST_CASE("version 2 names both ends over IPv4") {
    const std::string header = kSignature + "\x21\x11\0\x0c"s + "\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbb"s;

    check_grows(header);
    CHECK(header_of(header).connection == ProxiedConnection{endpoint("192.0.2.7:56324"), endpoint("198.51.100.1:443")});
  }

  TEST_CASE("version 2 skips extensions") {
    const std::string extension = "\x03\0\x04\x01\x02\x03\x04"s;
    const std::string header =
        kSignature + "\x21\x11\0\x13"s + "\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbb"s + extension;

    check_grows(header);
    CHECK(header_of(header).connection->source == endpoint("192.0.2.7:56324"));
  }

  TEST_CASE("version 2 LOCAL and other families keep the socket's addresses") {
    for (const std::string& header : std::vector<std::string>{
             kSignature + "\x20\0\0\0"s, kSignature + "\x20\x11\0\x02xx"s, kSignature + "\x21\0\0\x03xxx"s,
             kSignature + "\x21\x12\0\x0cxxxxxxxxxxxx"s, kSignature + "\x21\x31\0\xd8"s + std::string(216, 'x')}) {
      check_grows(header);
      CHECK_FALSE(header_of(header).connection.has_value());
    }
  }

  TEST_CASE("malformed version 2 headers are refused") {
    for (const std::string& header : std::vector<std::string>{
             kSignature + "\x11\x11\0\x0c"s, kSignature + "\x22\x11\0\x0c"s, kSignature + "\x21\x11\0\x0b"s,
             kSignature + "\x21\x21\0\x0c"s, kSignature + "\x21\x11\xff\xff"s, "\r\n\r\n\0\r\nQUIX\n"s}) {
      CHECK(state_of(header) == ProxyHeaderState::malformed);
    }
  }

  TEST_CASE("what is sent can be read") {
    const ProxiedConnection v4{endpoint("192.0.2.7:56324"), endpoint("198.51.100.1:443")};
    const ProxiedConnection v6{endpoint("[2001:db8::1]:1"), endpoint("[2001:db8::2]:65535")};

    CHECK(as_text(encode_proxy_header(SendProxyProtocol::v1, v4).view()) ==
          "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n");
    for (const SendProxyProtocol version : {SendProxyProtocol::v1, SendProxyProtocol::v2}) {
      for (const ProxiedConnection& connection : {v4, v6}) {
        const EncodedProxyHeader encoded = encode_proxy_header(version, connection);
        const ProxyHeader header = header_of(as_text(encoded.view()));
        CHECK(header.length == encoded.length);
        CHECK(header.connection == connection);
      }
    }
    CHECK(encode_proxy_header(SendProxyProtocol::v2, v4).length == 28);
    CHECK(encode_proxy_header(SendProxyProtocol::v2, v6).length == 52);
  }

  TEST_CASE("ends of different families both go as IPv6") {
    const ProxiedConnection mixed{endpoint("192.0.2.7:1"), endpoint("[2001:db8::2]:2")};

    for (const SendProxyProtocol version : {SendProxyProtocol::v1, SendProxyProtocol::v2}) {
      const EncodedProxyHeader encoded = encode_proxy_header(version, mixed);
      CHECK(header_of(as_text(encoded.view())).connection == mixed);  // read back without the mapping
    }
  }
}

}  // namespace
}  // namespace tandem::lb::relay
