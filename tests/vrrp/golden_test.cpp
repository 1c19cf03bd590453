#include "tests/vrrp/golden.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/vrrp/captured.hpp"
#include "tests/vrrp/support.hpp"
#include "vrrp/announcement.hpp"
#include "vrrp/frame.hpp"
#include "vrrp/packet.hpp"

namespace tandem::vrrp {
namespace {

Password password(std::string_view text) {
  Password result{};
  std::ranges::copy(as_bytes(text), result.begin());
  return result;
}

Packet v2(AuthenticationType type = AuthenticationType::none, Password data = {}) {
  return {Version::v2, VirtualRouterId{51}, Priority{150}, 1s, {ip("10.77.0.100")}, type, data};
}

Packet v3(AddressList addresses, Duration interval = 1s) {
  return {Version::v3, VirtualRouterId{51}, Priority{150}, interval, addresses, AuthenticationType::none, {}};
}

struct Expected {
  Packet packet;
  Route route;
  ChecksumForm checksum;
  unsigned hop_limit = 255;
};

const std::map<std::string_view, Expected>& expected() {
  const Route group4{ip("10.77.0.1"), ip("224.0.0.18")};
  const Route peer4{ip("10.77.0.1"), ip("10.77.0.2")};
  const Route group6{ip("fe80::a:1"), ip("ff02::12")};
  const AddressList one{ip("10.77.0.100")};
  const AddressList two{ip("fe80::77:100"), ip("fd77::100")};
  constexpr auto plain = ChecksumForm::message_only;
  constexpr auto pseudo = ChecksumForm::pseudo_header;
  static const std::map<std::string_view, Expected> table{
      {"v2_ipv4_multicast", {v2(), group4, plain}},
      {"v2_ipv4_unicast", {v2(), peer4, plain}},
      {"v2_ipv4_password", {v2(AuthenticationType::password, password("s3cretpw")), group4, plain}},
      {"v2_ipv4_header", {v2(AuthenticationType::header), group4, plain}},
      {"v3_ipv4_multicast", {v3(one), group4, pseudo}},
      {"v3_ipv4_500ms", {v3(one, 500ms), group4, pseudo}},
      {"v3_ipv4_unicast", {v3(one), peer4, pseudo}},
      {"v3_ipv4_vmac", {v3(one), group4, pseudo}},
      {"v3_ipv6_multicast", {v3(two), group6, pseudo}},
      {"v3_ipv6_unicast", {v3(two), {ip("fd77::1"), ip("fd77::2")}, pseudo, 64}},
      {"v3_ipv6_vmac", {v3(two), group6, pseudo}},
  };
  return table;
}

/// Reads the frame, compares with what its capture says it is, writes it again.
void check_both_directions(std::string_view hex, const Expected& what) {
  const Captured frame = captured(hex);
  const auto decoded = decode(frame.datagram());

  REQUIRE(std::holds_alternative<Received>(decoded));
  const auto& received = std::get<Received>(decoded);
  CHECK(received.packet == what.packet);
  CHECK(received.checksum == what.checksum);
  CHECK(received.trailer.empty());
  CHECK(frame.route.source == what.route.source);
  CHECK(frame.route.destination == what.route.destination);
  CHECK(unsigned{frame.envelope.hop_limit} == what.hop_limit);

  const EncodedPacket encoded = encode(what.packet, what.route, what.checksum);
  CHECK(to_hex(encoded.view()) == to_hex(frame.message()));
  if (frame.protocol == kProtocol) {
    CHECK(to_hex(advert_frame(frame.envelope, what.route, encoded.view())) == hex);
  }
}

}  // namespace

TEST_SUITE("vrrp/golden") {
  TEST_CASE("every captured advert is read and written byte for byte") {
    REQUIRE(expected().size() == kGolden.size());
    for (const Golden& golden : kGolden) {
      CAPTURE(golden.name);
      Expected what = expected().at(golden.name);
      check_both_directions(golden.advert, what);
      what.packet.priority = kLeaving;
      check_both_directions(golden.farewell, what);
    }
  }

  TEST_CASE("every captured announcement is written byte for byte") {
    for (const Golden& golden : kGolden) {
      CAPTURE(golden.name);
      const MacAddress mac = captured(golden.advert).envelope.source;
      if (golden.name.find("ipv6") == std::string_view::npos) {
        CHECK(to_hex(gratuitous_arp(mac, ip("10.77.0.100"))) == golden.announcement);
      } else {
        CHECK(to_hex(neighbour_advertisement(mac, ip("fe80::77:100"), Forwards::no)) == golden.announcement);
      }
    }
  }

  TEST_CASE("a router says so in its neighbour advertisement") {
    const auto frame = neighbour_advertisement({0, 0, 0x5e, 0, 2, 51}, ip("fe80::77:100"), Forwards::yes);

    CHECK(to_hex(Bytes(frame).subspan(54, 8)) == "8800767ca0000000");
  }

  TEST_CASE("the frames go from and to the addresses of RFC 9568") {
    CHECK(virtual_mac(IpAddress::Family::v4, VirtualRouterId{51}) == MacAddress{0, 0, 0x5e, 0, 1, 0x33});
    CHECK(virtual_mac(IpAddress::Family::v6, VirtualRouterId{51}) == MacAddress{0, 0, 0x5e, 0, 2, 0x33});
    CHECK(multicast_mac(group(IpAddress::Family::v4)) == MacAddress{0x01, 0x00, 0x5e, 0, 0, 0x12});
    CHECK(multicast_mac(group(IpAddress::Family::v6)) == MacAddress{0x33, 0x33, 0, 0, 0, 0x12});
  }

  TEST_CASE("the checksum of RFC 9568 covers the message only") {
    const Route route{ip("10.77.0.1"), ip("224.0.0.18")};

    const EncodedPacket encoded = encode(v3({ip("10.77.0.100")}), route, ChecksumForm::message_only);

    CHECK(to_hex(encoded.view()) == "3133960100642db60a4d0064");
    CHECK(std::get<Received>(decode({encoded.view(), route, 255})).checksum == ChecksumForm::message_only);
  }

  TEST_CASE("an old keepalived sums the group although it sends to a peer") {
    const auto advert = from_hex("31339601006442d90a4d0064");

    const auto decoded = decode({advert, {ip("10.77.0.1"), ip("10.77.0.2")}, 255});

    CHECK(std::get<Received>(decoded).checksum == ChecksumForm::group_pseudo_header);
  }
}

}  // namespace tandem::vrrp
