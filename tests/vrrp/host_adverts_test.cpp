#include <doctest/doctest.h>
#include <poll.h>

#include <optional>
#include <string>
#include <vector>

#include "tests/vrrp/captured.hpp"
#include "tests/vrrp/host_fixture.hpp"
#include "tests/vrrp/namespace.hpp"
#include "tests/vrrp/support.hpp"
#include "tests/vrrp/wire.hpp"
#include "vrrp/frame.hpp"
#include "vrrp/platform.hpp"
#include "vrrp/will_executor.hpp"

namespace tandem::vrrp {
namespace {

std::string text(const MacAddress& mac) {
  const std::string digits = to_hex(std::as_bytes(std::span(mac)));
  std::string result;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    result += (i == 0 ? "" : ":") + digits.substr(i, 2);
  }
  return result;
}

/// Puts an address on, usable at once.
void add_address(const std::string& address) {
  const bool v4 = address.find(':') == std::string::npos;
  run("ip address add " + address + (v4 ? "/24 dev va" : "/64 dev va nodad"));
}

/// An interface like the one that the golden frame was captured on.
Options prepare_sender(const Captured& frame, std::string_view mac) {
  add_wire(mac);
  add_address(to_string(frame.route.source));
  Options options = frame.route.source.is_v4() ? instance("10.77.0.100", 24) : instance("fe80::77:100", 64);
  if ((frame.envelope.destination[0] & 1U) == 0) {
    options.peers = {frame.route.destination};
    run("ip neighbour add " + to_string(frame.route.destination) + " lladdr " + text(frame.envelope.destination) +
        " dev va");
  }
  return options;
}

/// The frame that should be on the wire: the golden one, with what the kernel chooses.
Frame expected(const Captured& golden, Bytes sent) {
  const Captured received = captured(to_hex(sent));
  Envelope envelope = golden.envelope;
  envelope.hop_limit = 255;  // keepalived says 64 to an IPv6 peer
  envelope.ipv4_id = received.envelope.ipv4_id;
  envelope.ipv6_flow_label = received.envelope.ipv6_flow_label;
  return advert_frame(envelope, golden.route, golden.message());
}

std::optional<Datagram> receive(Transport& transport) {
  pollfd readable{transport.fd(), POLLIN, 0};
  return ::poll(&readable, 1, 1000) == 1 ? transport.receive() : std::nullopt;
}

/// Filled up to the smallest size of an Ethernet frame, as a network card would.
Frame padded(Frame frame) {
  constexpr std::size_t smallest = 60;
  frame.resize(std::max(frame.size(), smallest));
  return frame;
}

TEST_SUITE("vrrp/host/adverts") {
  TEST_CASE("an advert leaves as keepalived sends it") {
    for (const std::string name : {"v2_ipv4_multicast", "v3_ipv4_multicast", "v2_ipv4_unicast", "v3_ipv4_unicast",
                                   "v3_ipv6_multicast", "v3_ipv6_unicast"}) {
      CAPTURE(name);
      in_own_network([&] {
        const Captured frame = captured(golden(name).advert);
        const Options options = prepare_sender(frame, text(frame.envelope.source));
        const auto platform = host();
        Port opened = port(*platform, options);
        Wire wire("vb");

        CHECK(opened.transport->send(frame.message(), frame.route));

        const Frame sent = wire.next(is_advert);
        REQUIRE_FALSE(sent.empty());
        CHECK(to_hex(sent) == to_hex(expected(frame, sent)));
      });
    }
  }

  TEST_CASE("an advert of an instance with a virtual MAC address comes from that address") {
    for (const std::string name : {"v3_ipv4_vmac", "v3_ipv6_vmac"}) {
      CAPTURE(name);
      in_own_network([&] {
        const Captured frame = captured(golden(name).advert);
        Options options = prepare_sender(frame, "02:00:00:00:00:0a");
        options.virtual_mac = VirtualMac::yes;
        const auto platform = host();
        Port opened = port(*platform, options);
        Wire wire("vb");

        CHECK(opened.transport->send(frame.message(), frame.route));

        const Frame sent = wire.next(is_advert);
        REQUIRE_FALSE(sent.empty());
        CHECK(to_hex(sent) == to_hex(expected(frame, sent)));
      });
    }
  }

  TEST_CASE("another process sends the farewell that it inherits") {
    for (const std::string name : {"v3_ipv4_multicast", "v3_ipv4_unicast", "v3_ipv6_multicast", "v3_ipv6_unicast",
                                   "v3_ipv4_vmac", "v3_ipv6_vmac"}) {
      CAPTURE(name);
      in_own_network([&] {
        const Captured frame = captured(golden(name).farewell);
        const bool is_virtual = name.find("vmac") != std::string::npos;
        Options options = prepare_sender(frame, is_virtual ? "02:00:00:00:00:0a" : text(frame.envelope.source));
        options.virtual_mac = is_virtual ? VirtualMac::yes : VirtualMac::no;
        auto executor = WillExecutor::open();
        REQUIRE(executor.has_value());
        const auto platform = host();
        Port opened = port(*platform, options);
        require_done(opened.addresses->acquire());
        auto will = std::make_unique<Will>();
        REQUIRE(opened.transport->bequeath(*will, frame.message(), frame.route));
        Wire wire("vb");

        require_done(executor->execute(*will));

        const Frame sent = wire.next(is_advert);
        REQUIRE_FALSE(sent.empty());
        CHECK(to_hex(sent) == to_hex(expected(frame, sent)));
      });
    }
  }

  TEST_CASE("an advert comes in with where it came from and how far") {
    for (const std::string name : {"v2_ipv4_multicast", "v3_ipv4_multicast", "v3_ipv4_unicast", "v3_ipv6_multicast",
                                   "v3_ipv6_unicast", "v3_ipv4_vmac", "v3_ipv6_vmac"}) {
      CAPTURE(name);
      in_own_network([&] {
        const Captured frame = captured(golden(name).advert);
        const bool v4 = frame.route.source.is_v4();
        const bool unicast = (frame.envelope.destination[0] & 1U) == 0;
        add_wire(unicast ? text(frame.envelope.destination) : "02:00:00:00:00:0a");
        add_address(unicast ? to_string(frame.route.destination) : v4 ? "10.77.0.9" : "fe80::9");
        Options options = v4 ? instance("10.77.0.100", 24) : instance("fe80::77:100", 64);
        if (unicast) {
          options.peers = {frame.route.source};
        }
        const auto platform = host();
        Port opened = port(*platform, options);
        CHECK_FALSE(opened.transport->receive().has_value());

        Wire("vb").send(padded(frame.frame));

        const auto datagram = receive(*opened.transport);
        REQUIRE(datagram.has_value());
        CHECK(to_hex(datagram->payload) == to_hex(frame.message()));
        CHECK(to_string(datagram->route.source) == to_string(frame.route.source));
        CHECK(to_string(datagram->route.destination) == to_string(frame.route.destination));
        CHECK(datagram->hop_limit == frame.envelope.hop_limit);
        CHECK_FALSE(opened.transport->receive().has_value());
      });
    }
  }

  TEST_CASE("an advert with IPv4 options begins behind them") {
    in_own_network([] {
      const Captured frame = captured(golden("v3_ipv4_multicast").advert);
      add_wire();
      run("ip address add 10.77.0.9/24 dev va");
      const auto platform = host();
      Port opened = port(*platform, instance("10.77.0.100", 24));
      // Header of 24 bytes with four no-operations.
      const Frame sent = from_hex(
          "01005e000012e61c604f0afe080046c0002400010000ff70cd460a4d0001e00000120101010131339601006442d90a4d0064");

      Wire("vb").send(sent);

      const auto datagram = receive(*opened.transport);
      REQUIRE(datagram.has_value());
      CHECK(to_hex(datagram->payload) == to_hex(frame.message()));
    });
  }

  TEST_CASE("with a virtual MAC address every advert comes in once whoever sent it") {
    for (const std::string family : {"ipv4", "ipv6"}) {
      CAPTURE(family);
      in_own_network([&] {
        const Captured from_virtual = captured(golden("v3_" + family + "_vmac").advert);
        const Captured from_other = captured(golden("v3_" + family + "_multicast").advert);
        const bool v4 = family == "ipv4";
        add_wire();
        add_address(v4 ? "10.77.0.9" : "fe80::9");
        Options options = v4 ? instance("10.77.0.100", 24) : instance("fe80::77:100", 64);
        options.virtual_mac = VirtualMac::yes;
        const auto platform = host();
        Port opened = port(*platform, options);
        require_done(opened.addresses->acquire());
        Wire wire("vb");

        for (const Captured& frame : {from_virtual, from_other}) {
          wire.send(frame.frame);

          const auto datagram = receive(*opened.transport);
          REQUIRE(datagram.has_value());
          CHECK(to_hex(datagram->payload) == to_hex(frame.message()));
          pollfd readable{opened.transport->fd(), POLLIN, 0};
          CHECK(::poll(&readable, 1, 20) == 0);
        }
      });
    }
  }

  TEST_CASE("our own adverts do not come back") {
    in_own_network([] {
      const Captured frame = captured(golden("v3_ipv4_multicast").advert);
      const Options options = prepare_sender(frame, "02:00:00:00:00:0a");
      const auto platform = host();
      Port opened = port(*platform, options);
      Port other = port(*platform, instance("10.77.0.101", 24));
      Wire wire("vb");

      REQUIRE(opened.transport->send(frame.message(), frame.route));

      REQUIRE_FALSE(wire.next(is_advert).empty());
      CHECK_FALSE(opened.transport->receive().has_value());
      CHECK_FALSE(other.transport->receive().has_value());
    });
  }

  TEST_CASE("sending fails without the source address and without the interface") {
    in_own_network([] {
      const Captured frame = captured(golden("v3_ipv4_multicast").advert);
      const Options options = prepare_sender(frame, "02:00:00:00:00:0a");
      const auto platform = host();
      Port opened = port(*platform, options);

      run("ip address del 10.77.0.1/24 dev va");
      CHECK_FALSE(opened.transport->send(frame.message(), frame.route));
      run("ip link del va");
      CHECK_FALSE(opened.transport->send(frame.message(), frame.route));
      CHECK_FALSE(opened.transport->receive().has_value());
    });
  }
}

}  // namespace
}  // namespace tandem::vrrp
