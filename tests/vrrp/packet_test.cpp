#include "vrrp/packet.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "tests/vrrp/captured.hpp"
#include "tests/vrrp/golden.hpp"
#include "tests/vrrp/support.hpp"

namespace tandem::vrrp {
namespace {

const Route kToGroup{ip("10.77.0.1"), ip("224.0.0.18")};
const Route kToPeer{ip("10.77.0.1"), ip("10.77.0.2")};

std::string verdict(std::string_view hex, const Route& route = kToGroup) {
  const auto bytes = from_hex(hex);
  const auto decoded = decode({bytes, route, 255});
  const auto* rejection = std::get_if<Rejection>(&decoded);
  return rejection == nullptr ? "taken" : std::string(name(*rejection));
}

std::string verdict6(std::string_view hex) { return verdict(hex, {ip("fe80::a:1"), ip("ff02::12")}); }

/// The advert with its checksum made right, behind the field it is about.
std::string verdict_of(const Packet& packet, const Route& route = kToGroup) {
  const EncodedPacket encoded = encode(packet, route, ChecksumForm::pseudo_header);
  return verdict(to_hex(encoded.view()), route);
}

Expectation group_instance() {
  Expectation expected;
  expected.id = VirtualRouterId{51};
  expected.self = ip("10.77.0.2");
  expected.addresses = {ip("10.77.0.100")};
  return expected;
}

struct Examined {
  std::string reason = "taken";
  Remarks remarks;
};

Examined examined(const Packet& packet, const Expectation& expected, const Route& route = kToGroup,
                  std::uint8_t hop_limit = 255) {
  const EncodedPacket encoded = encode(packet, route, ChecksumForm::pseudo_header);
  const auto decoded = decode({encoded.view(), route, hop_limit});
  REQUIRE(std::holds_alternative<Received>(decoded));
  Examined result;
  if (const auto rejection = examine(std::get<Received>(decoded), expected, result.remarks)) {
    result.reason = name(*rejection);
  }
  return result;
}

Packet usual() { return {Version::v3, VirtualRouterId{51}, Priority{150}, 1s, {ip("10.77.0.100")}, {}, {}}; }

Packet usual_v2() { return {Version::v2, VirtualRouterId{51}, Priority{150}, 1s, {ip("10.77.0.100")}, {}, {}}; }

Remarks only(Remark remark) { return Remarks{}.set(static_cast<std::size_t>(remark)); }

}  // namespace

TEST_SUITE("vrrp/packet") {
  TEST_CASE("a malformed advert is dropped for its reason") {
    CHECK(verdict("31339601006442d90a4d0064") == "taken");
    CHECK(verdict("") == "too_short");
    CHECK(verdict("313396010064") == "too_short");
    CHECK(verdict("41339601006442d90a4d0064") == "version");
    CHECK(verdict("32339601006442d90a4d0064") == "type");
    CHECK(verdict("31339602006442d90a4d0064") == "length");  // says two addresses
    CHECK(verdict("31339601006442d90a4d00") == "length");
    CHECK(verdict("31339601006442d90a4d006401") == "length");  // something behind it
    CHECK(verdict("31339601006442d80a4d0064") == "checksum");
    CHECK(verdict_of({Version::v3, VirtualRouterId{51}, Priority{150}, 1s, {}, {}, {}}) == "no_addresses");
    CHECK(verdict("31339601000043 3d0a4d0064") == "no_interval");
    CHECK(verdict("2133960100003e1a0a4d00640000000000000000") == "no_interval");
  }

  TEST_CASE("the first IPv6 address is link-local") {
    const Route route{ip("fe80::a:1"), ip("ff02::12")};
    Packet packet = usual();
    packet.addresses = {ip("fd77::100"), ip("fe80::77:100")};

    CHECK(verdict_of(packet, route) == "not_link_local");
  }

  TEST_CASE("seesaw's advert without addresses and CARP are dropped") {
    CHECK(verdict("3133960000643868") == "no_addresses");
    // version 2, type 1, then CARP's own fields: 36 bytes, its authentication length 7 where the count is
    CHECK(verdict("210100070001beef" + std::string(56, '0')) == "length");
  }

  TEST_CASE("the zeros that fill an Ethernet frame are passed over") {
    CHECK(verdict("31339601006442d90a4d0064" + std::string(28, '0')) == "taken");
    CHECK(verdict("31339601006442d90a4d0064" + std::string(38, '0')) == "length");
  }

  TEST_CASE("IPv6 has no padding") {
    const std::string golden = to_hex(captured(kGolden[8].advert).message());

    CHECK(verdict6(golden) == "taken");
    CHECK(verdict6(golden + "0000") == "length");
  }

  TEST_CASE("reserved bits beside the interval are ignored") {
    const auto bytes = from_hex("313396018064c2d80a4d0064");

    const auto decoded = decode({bytes, kToGroup, 255});

    REQUIRE(std::holds_alternative<Received>(decoded));
    CHECK(std::get<Received>(decoded).packet == usual());
  }

  TEST_CASE("no bit of an advert can turn without being seen") {
    for (const Golden& golden : kGolden) {
      CAPTURE(golden.name);
      const Captured frame = captured(golden.advert);
      std::vector<std::byte> bytes(frame.message().begin(), frame.message().end());
      for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        CAPTURE(bit);
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
        CHECK(std::holds_alternative<Rejection>(decode({bytes, frame.route, 255})));
        bytes[bit / 8] ^= std::byte{1} << (bit % 8);
      }
    }
  }

  TEST_CASE("an advert cut short is dropped wherever it is cut") {
    for (const Golden& golden : kGolden) {
      CAPTURE(golden.name);
      const Captured frame = captured(golden.advert);
      for (std::size_t size = 0; size < frame.message().size(); ++size) {
        CHECK(std::holds_alternative<Rejection>(decode({frame.message().first(size), frame.route, 255})));
      }
    }
  }

  TEST_CASE("an instance takes what is meant for it and drops the rest for its reason") {
    const Expectation expected = group_instance();
    CHECK(examined(usual(), expected).reason == "taken");
    CHECK(examined(usual(), expected).remarks.none());
    CHECK(examined(usual(), expected, kToGroup, 254).reason == "hop_limit");
    CHECK(examined(usual(), expected, kToPeer).reason == "destination");
    CHECK(examined(usual(), expected, {ip("10.77.0.2"), ip("224.0.0.18")}).reason == "own_source");

    Packet foreign = usual();
    foreign.id = VirtualRouterId{52};
    CHECK(examined(foreign, expected).reason == "foreign_id");
    CHECK(examined(usual_v2(), expected).reason == "version");
  }

  TEST_CASE("a unicast instance takes its peers' adverts with any hop limit and no others") {
    Expectation expected = group_instance();
    expected.peers = {ip("10.77.0.1")};

    CHECK(examined(usual(), expected, kToPeer, 64).reason == "taken");
    CHECK(examined(usual(), expected, kToGroup).reason == "destination");
    CHECK(examined(usual(), expected, {ip("10.77.0.9"), ip("10.77.0.2")}).reason == "unknown_peer");
  }

  TEST_CASE("version 2 wants the same interval and the same authentication") {
    Expectation expected = group_instance();
    expected.version = Version::v2;
    Packet packet = usual_v2();
    CHECK(examined(packet, expected).reason == "taken");
    CHECK(examined(usual(), expected).reason == "version");

    packet.interval = 2s;
    CHECK(examined(packet, expected).reason == "interval");

    packet = usual_v2();
    packet.auth_type = AuthenticationType::password;
    packet.password = {std::byte{'a'}};
    CHECK(examined(packet, expected).reason == "auth_type");

    expected.password = Password{std::byte{'a'}};
    CHECK(examined(packet, expected).reason == "taken");
    CHECK(examined(usual_v2(), expected).reason == "auth_type");
    packet.password = {std::byte{'b'}};
    CHECK(examined(packet, expected).reason == "auth_password");
  }

  TEST_CASE("what differs without harm is remarked and taken") {
    Expectation expected = group_instance();
    Packet packet = usual();
    packet.interval = 500ms;
    CHECK(examined(packet, expected).remarks == only(Remark::interval));

    packet = usual();
    packet.addresses = {ip("10.77.0.100"), ip("10.77.0.101")};
    CHECK(examined(packet, expected).remarks == only(Remark::address_list));
    expected.addresses = {ip("10.77.0.101"), ip("10.77.0.100")};
    CHECK(examined(packet, expected).remarks.none());

    expected.priority = kOwner;
    packet.priority = kOwner;
    CHECK(examined(packet, expected).remarks == only(Remark::two_owners));
  }

  TEST_CASE("version 2 carries IPv6 as keepalived does") {
    Packet packet = usual_v2();
    packet.addresses = {ip("fe80::77:100")};
    const Route route{ip("fe80::a:1"), ip("ff02::12")};

    const EncodedPacket encoded = encode(packet, route, ChecksumForm::message_only);

    CHECK(encoded.view().size() == 32);
    CHECK(std::get<Received>(decode({encoded.view(), route, 255})).packet == packet);
  }

  TEST_CASE("255 addresses are the most there can be") {
    Packet packet = usual();
    packet.addresses = {};
    for (unsigned i = 0; i < 255; ++i) {
      packet.addresses.push_back(IpAddress(std::array<std::uint8_t, 4>{10, 0, 0, static_cast<std::uint8_t>(i)}));
    }

    const EncodedPacket encoded = encode(packet, kToGroup, ChecksumForm::pseudo_header);

    CHECK(std::get<Received>(decode({encoded.view(), kToGroup, 255})).packet == packet);
  }

  TEST_CASE("of 100000 random datagrams only checksums that are right by chance pass") {
    Random random(20);
    std::vector<std::byte> bytes(64);
    int taken = 0;
    for (int i = 0; i < 100'000; ++i) {
      const std::size_t size = random.below(65);
      for (std::byte& byte : bytes) {
        byte = static_cast<std::byte>(random());
      }
      bytes[0] = std::byte{0x31};
      const auto decoded = decode({Bytes(bytes).first(size), kToGroup, 255});
      taken += std::holds_alternative<Received>(decoded) ? 1 : 0;
    }

    CHECK(taken < 10);  // the length has to fit, then three forms out of 65536 sums do
  }

  TEST_CASE("every reason has a name of its own") {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < kRejectionCount; ++i) {
      names.insert(name(static_cast<Rejection>(i)));
    }

    CHECK(names.size() == kRejectionCount);
    CHECK(name(Rejection::too_short) == "too_short");
    CHECK(name(Rejection::trailer_replayed) == "trailer_replayed");
    CHECK(name(Remark::trailer_missing) == "trailer_missing");
  }
}

}  // namespace tandem::vrrp
