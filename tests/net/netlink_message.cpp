#include "net/netlink_message.hpp"

#include <doctest/doctest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::net {
namespace {

std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  for (std::size_t at = 0; at + 1 < text.size(); at += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string(text.substr(at, 2)), nullptr, 16)));
  }
  return bytes;
}

std::string to_hex(Bytes bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += digits[std::to_integer<std::size_t>(byte >> 4U)];
    text += digits[std::to_integer<std::size_t>(byte & std::byte{0xf})];
  }
  return text;
}

NetlinkMessage first_of(Bytes bytes) {
  const auto message = next_message(bytes);
  REQUIRE(message.has_value());
  return *message;
}

/// A message with another type, as the kernel would tell what was asked for.
std::vector<std::byte> told(NetlinkRequest request, std::uint16_t type) {
  std::memcpy(request.data() + 4, &type, sizeof(type));
  return request;
}

const NetworkAddress kV4{7, *IpAddress::parse("10.77.0.100"), 24};
const NetworkAddress kV6{7, *IpAddress::parse("fd77::100"), 64};

TEST_SUITE("net/netlink_message") {
  TEST_CASE("an address is asked for with its mark") {
    CHECK(to_hex(add_address_request(kV4, {112, 0})) ==
          "30000000"
          "1400"
          "0106"
          "00000000"
          "00000000"  // RTM_NEWADDR, REQUEST, EXCL, CREATE
          "02180000"
          "07000000"  // AF_INET, /24, index 7
          "08000200"
          "0a4d0064"  // local
          "08000100"
          "0a4d0064"  // address
          "05000b00"
          "70000000");  // protocol 112
    CHECK(to_hex(add_address_request(kV6, {0, 0x01020304})) ==
          "64000000"
          "1400"
          "0106"
          "00000000"
          "00000000"
          "0a400000"
          "07000000"
          "14000200"
          "fd770000000000000000000000000100"
          "14000100"
          "fd770000000000000000000000000100"
          "14000600"
          "00000000"
          "ffffffff"
          "0000000000000000"  // deprecated, for ever
          "08000800"
          "02000000"  // no duplicate address detection
          "08000900"
          "04030201");
  }

  TEST_CASE("an address is taken off by the prefix length too") {
    CHECK(to_hex(remove_address_request(kV4)) ==
          "280000001500010000000000000000000218000007000000080002000a4d0064080001000a4d0064");
  }

  TEST_CASE("what is told of an address is read") {
    const auto bytes = told(add_address_request(kV6, {112, 99}), RTM_NEWADDR);

    const auto address = read_address(first_of(bytes));

    REQUIRE(address.has_value());
    CHECK(address->change == Change::present);
    CHECK(address->index == 7);
    CHECK(to_string(address->address) == "fd77::100");
    CHECK(address->prefix_length == 64);
    CHECK(address->protocol == 112);
    CHECK(address->metric == 99);
    CHECK(address->flags == 2);
    CHECK(read_address(first_of(told(remove_address_request(kV4), RTM_DELADDR)))->change == Change::gone);
  }

  TEST_CASE("the local address counts where the other end has one too") {
    // inet 10.0.0.1 peer 10.0.0.2/32
    const auto bytes = from_hex("280000001400000000000000000000000220000003000000080001000a000002080002000a000001");

    CHECK(to_string(read_address(first_of(bytes))->address) == "10.0.0.1");
  }

  TEST_CASE("what is told of a link is read") {
    const auto bytes = told(add_macvlan_request({"vrrp.51", 3, {0, 0, 0x5e, 0, 1, 51}}), RTM_NEWLINK);
    auto with_index = bytes;
    with_index[20] = std::byte{9};

    const auto message = first_of(with_index);
    const auto link = read_link(message);

    REQUIRE(link.has_value());
    CHECK(link->index == 9);
    CHECK(link->parent == 3);
    CHECK(link->name == "vrrp.51");
    CHECK(link->kind == "macvlan");
    CHECK(link->mac == std::array<std::uint8_t, 6>{0, 0, 0x5e, 0, 1, 51});
  }

  TEST_CASE("a bridge that tells of its port tells nothing of the link") {
    // RTM_DELLINK of family AF_BRIDGE: the port left the bridge, the interface stays.
    const auto bytes = from_hex(
        "2c000000110000000000000000000000"
        "07000000"
        "05000000"
        "00000000"
        "00000000"
        "0a0003006574683000000000");

    CHECK_FALSE(read_link(first_of(bytes)).has_value());
  }

  TEST_CASE("several messages lie behind each other") {
    auto bytes = remove_address_request(kV4);
    const auto second = remove_address_request(kV6);
    bytes.insert(bytes.end(), second.begin(), second.end());
    Bytes rest = bytes;

    CHECK(next_message(rest)->type == RTM_DELADDR);
    CHECK(next_message(rest)->payload.size() == 8 + 20 + 20);
    CHECK(rest.empty());
    CHECK_FALSE(next_message(rest).has_value());
  }

  TEST_CASE("a message cut off anywhere is not read behind its end") {
    const auto whole = told(add_address_request(kV6, {112, 99}), RTM_NEWADDR);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      Bytes rest = cut;
      CHECK_FALSE(next_message(rest).has_value());
      if (size >= 16) {
        (void)read_address({RTM_NEWADDR, 0, 0, Bytes(cut).subspan(16)});
        (void)read_link({RTM_NEWLINK, 0, 0, Bytes(cut).subspan(16)});
      }
    }
  }

  TEST_CASE("an attribute that says that it is longer than its message ends the list") {
    const auto bytes = from_hex(
        "0800020001020304"
        "ff00010005060708");
    Bytes rest = bytes;

    CHECK(next_attribute(rest)->type == 2);
    CHECK_FALSE(next_attribute(rest).has_value());
  }

  TEST_CASE("errors and acknowledgements are told apart") {
    const auto read_error = [](std::string_view number) {
      return error_of(first_of(from_hex(std::string("24000000020000000100000000000000") + std::string(number) +
                                        "00000000000000000000000000000000")));
    };
    CHECK(read_error("00000000") == 0);
    CHECK(read_error("efffffff") == 17);
    CHECK_FALSE(error_of(NetlinkMessage{RTM_NEWADDR, 0, 0, {}}).has_value());
  }
}

}  // namespace
}  // namespace tandem::net
