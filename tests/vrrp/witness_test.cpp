#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <vector>

#include "tests/vrrp/support.hpp"
#include "vrrp/witness_message.hpp"
#include "vrrp/witness_tally.hpp"

namespace tandem::vrrp {

using namespace std::chrono_literals;

namespace {

constexpr Instant kStart{10s};
constexpr MacAddress kMac{0x02, 0, 0, 0, 0, 0x0a};

// From 192.0.2.1 to 192.0.2.9: echo reply, identifier 0x1234, sequence 7, 8 bytes of zeros.
constexpr std::string_view kEchoReply =
    "4500002400000000400100 00 c0000201 c0000209"
    "0000 edc4 1234 0007 0000000000000000";
// Who sent it: 192.0.2.1 is at 02:00:00:00:00:01, says it to us.
constexpr std::string_view kArpReply = "0001 0800 06 04 0002 020000000001 c0000201 02000000000a c0000209";
// 2001:db8::1, solicited and override, with the target's link-layer address.
constexpr std::string_view kAdvertisement = "88 00 0000 60000000 20010db8000000000000000000000001 0201020000000001";

std::vector<std::byte> with(std::string_view hex, std::size_t at, std::uint8_t value) {
  std::vector<std::byte> bytes = from_hex(hex);
  bytes.at(at) = std::byte{value};
  return bytes;
}

}  // namespace

TEST_SUITE("vrrp/witness") {
  TEST_CASE("the period of the questions is the interval within 50 ms and a second") {
    CHECK(witness_period(10ms) == 50ms);
    CHECK(witness_period(100ms) == 100ms);
    CHECK(witness_period(40s) == 1s);
  }

  TEST_CASE("nobody is silent before three periods have passed without an answer") {
    WitnessTally tally(100ms, kStart);
    CHECK(tally.next_question() == kStart);

    for (const Duration at : {0ms, 100ms, 200ms}) {
      tally.on_asked(kStart + at);
      CHECK(tally.reach(kStart + at) == Reach::unknown);
    }

    CHECK(tally.next_question() == kStart + 300ms);
    CHECK(tally.silent_at() == kStart + 300ms);
    CHECK(tally.reach(kStart + 299ms) == Reach::unknown);
    CHECK(tally.reach(kStart + 300ms) == Reach::silent);
  }

  TEST_CASE("an answer counts for three periods") {
    WitnessTally tally(100ms, kStart);
    tally.on_asked(kStart);
    tally.on_answer(kStart + 5ms);

    for (const Duration at : {100ms, 200ms, 300ms}) {
      tally.on_asked(kStart + at);
      CHECK(tally.reach(kStart + at) == Reach::reachable);
    }
    CHECK(tally.reach(kStart + 304ms) == Reach::reachable);
    CHECK(tally.reach(kStart + 305ms) == Reach::silent);
  }

  TEST_CASE("the first answer after a silence ends it") {
    WitnessTally tally(100ms, kStart);
    for (const Duration at : {0ms, 100ms, 200ms, 300ms, 400ms}) {
      tally.on_asked(kStart + at);
    }
    CHECK(tally.reach(kStart + 400ms) == Reach::silent);

    tally.on_answer(kStart + 402ms);

    CHECK(tally.reach(kStart + 402ms) == Reach::reachable);
    CHECK(tally.silent_at() == kStart + 702ms);
  }

  TEST_CASE("time in which our own thread did not ask is no silence") {
    WitnessTally tally(100ms, kStart);
    tally.on_asked(kStart);
    tally.on_answer(kStart + 1ms);

    tally.on_asked(kStart + 2100ms);  // due at 100 ms

    CHECK(tally.reach(kStart + 2100ms) == Reach::reachable);
    CHECK(tally.silent_at() == kStart + 2301ms);
  }

  TEST_CASE("a late question does not end a silence") {
    WitnessTally tally(100ms, kStart);
    tally.on_asked(kStart);
    tally.on_asked(kStart + 100ms);
    tally.on_asked(kStart + 200ms);
    tally.on_asked(kStart + 300ms);
    tally.on_asked(kStart + 5s);

    CHECK(tally.reach(kStart + 5s) == Reach::silent);
  }

  TEST_CASE("an echo request carries its identifier and sequence and for IPv4 its checksum") {
    CHECK(to_hex(echo_request(IpAddress::Family::v4, {0x1234, 7})) == "0800e5c4123400070000000000000000");
    CHECK(to_hex(echo_request(IpAddress::Family::v6, {0x1234, 7})) == "80000000123400070000000000000000");
  }

  TEST_CASE("an echo reply tells what it answers") {
    CHECK(read_echo_reply(IpAddress::Family::v4, from_hex(kEchoReply)) == Echo{0x1234, 7});
    CHECK(read_echo_reply(IpAddress::Family::v6, from_hex("8100abcd12340007")) == Echo{0x1234, 7});
  }

  TEST_CASE("what is no echo reply is none") {
    const auto v4 = [](const std::vector<std::byte>& bytes) { return read_echo_reply(IpAddress::Family::v4, bytes); };
    CHECK_FALSE(v4(with(kEchoReply, 0, 0x65)));  // IP version 6
    CHECK_FALSE(v4(with(kEchoReply, 0, 0x44)));  // a header of 16 bytes
    CHECK_FALSE(v4(with(kEchoReply, 0, 0x4f)));  // a header of 60 bytes
    CHECK_FALSE(v4(with(kEchoReply, 9, 17)));    // UDP
    CHECK_FALSE(v4(with(kEchoReply, 20, 8)));    // a request
    CHECK_FALSE(v4(with(kEchoReply, 21, 1)));    // a code
    CHECK_FALSE(v4(with(kEchoReply, 35, 1)));    // checksum
    CHECK_FALSE(read_echo_reply(IpAddress::Family::v6, from_hex("8000abcd12340007")));
    CHECK_FALSE(read_echo_reply(IpAddress::Family::v6, from_hex("8101abcd12340007")));
  }

  TEST_CASE("an ARP request asks everybody for the witness") {
    CHECK(to_hex(arp_request(kMac, ip("192.0.2.9"), ip("192.0.2.1"))) ==
          "000108000604000102000000000ac0000209000000000000c0000201");
    CHECK(to_hex(arp_request(kMac, IpAddress(), ip("192.0.2.1"))) ==
          "000108000604000102000000000a00000000000000000000c0000201");
  }

  TEST_CASE("an ARP reply to us tells whose address it is") {
    CHECK(read_arp_reply(kMac, from_hex(kArpReply)) == ip("192.0.2.1"));
    CHECK_FALSE(read_arp_reply(kMac, with(kArpReply, 1, 6)));     // hardware type
    CHECK_FALSE(read_arp_reply(kMac, with(kArpReply, 2, 0x86)));  // protocol type
    CHECK_FALSE(read_arp_reply(kMac, with(kArpReply, 4, 8)));
    CHECK_FALSE(read_arp_reply(kMac, with(kArpReply, 5, 16)));
    CHECK_FALSE(read_arp_reply(kMac, with(kArpReply, 7, 1)));      // a request
    CHECK_FALSE(read_arp_reply(kMac, with(kArpReply, 23, 0x0b)));  // to somebody else
  }

  TEST_CASE("a neighbour solicitation goes to the node that the address hashes to") {
    CHECK(to_hex(neighbour_solicitation(kMac, ip("2001:db8::1:2:3"))) ==
          "8700000000000000"
          "20010db8000000000000000100020003"
          "010102000000000a");
    CHECK(solicited_node(ip("2001:db8::ab:cd12:3456")) == ip("ff02::1:ff12:3456"));
  }

  TEST_CASE("a neighbour advertisement that was asked for tells whose address it is") {
    CHECK(read_neighbour_advertisement(from_hex(kAdvertisement)) == ip("2001:db8::1"));
    CHECK_FALSE(read_neighbour_advertisement(with(kAdvertisement, 0, 135)));
    CHECK_FALSE(read_neighbour_advertisement(with(kAdvertisement, 1, 1)));
    CHECK_FALSE(read_neighbour_advertisement(with(kAdvertisement, 4, 0x20)));  // unsolicited
  }

  TEST_CASE("a truncated answer is none at any length") {
    const std::vector<std::byte> echo = from_hex(kEchoReply);
    for (std::size_t size = 0; size < 28; ++size) {
      CAPTURE(size);
      CHECK_FALSE(read_echo_reply(IpAddress::Family::v4, Bytes(echo).first(size)));
    }
    for (std::size_t size = 0; size < 8; ++size) {
      CHECK_FALSE(read_echo_reply(IpAddress::Family::v6, Bytes(from_hex("8100abcd12340007")).first(size)));
    }
    for (std::size_t size = 0; size < 28; ++size) {
      CHECK_FALSE(read_arp_reply(kMac, Bytes(from_hex(kArpReply)).first(size)));
    }
    for (std::size_t size = 0; size < 24; ++size) {
      CHECK_FALSE(read_neighbour_advertisement(Bytes(from_hex(kAdvertisement)).first(size)));
    }
  }
}

}  // namespace tandem::vrrp
