#include "vrrp/witness_message.hpp"

#include <algorithm>
#include <span>

#include "vrrp/frame_writer.hpp"
#include "vrrp/inet_sum.hpp"

namespace tandem::vrrp {

namespace {

constexpr std::uint8_t kEchoRequest = 8;
constexpr std::uint8_t kEchoReply = 0;
constexpr std::uint8_t kEchoRequest6 = 128;
constexpr std::uint8_t kEchoReply6 = 129;
constexpr std::uint8_t kNeighbourSolicitation = 135;
constexpr std::uint8_t kNeighbourAdvertisement = 136;
constexpr std::uint8_t kProtocolIcmp = 1;
constexpr std::uint8_t kSourceLinkLayerAddress = 1;  // an option
constexpr std::byte kSolicited{0x40};
constexpr std::size_t kEchoHeader = 8;
constexpr std::size_t kIpv4HeaderMin = 20;
constexpr std::size_t kAdvertisementMin = 24;
constexpr std::uint16_t kEthernet = 1;
constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kArpRequest = 1;
constexpr std::uint16_t kArpReply = 2;

// Where an ARP message for IPv4 over Ethernet has its fields.
constexpr std::size_t kArpSize = 28;
constexpr std::size_t kArpSenderAddress = 14;
constexpr std::size_t kArpTargetMac = 18;

std::uint8_t u8(std::byte value) { return std::to_integer<std::uint8_t>(value); }

IpAddress v4_at(Bytes at) { return IpAddress(std::array<std::uint8_t, 4>{u8(at[0]), u8(at[1]), u8(at[2]), u8(at[3])}); }

IpAddress v6_at(Bytes at) {
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::transform(at.first(bytes.size()), bytes.begin(), u8);
  return IpAddress(bytes);
}

/// What an IPv4 header carries of ICMP; empty when it is none.
Bytes icmp_of(Bytes packet) {
  if (packet.size() < kIpv4HeaderMin || u8(packet[0]) >> 4U != 4 || u8(packet[9]) != kProtocolIcmp) {
    return {};
  }
  const std::size_t header = (u8(packet[0]) & 0xfU) * std::size_t{4};
  return header >= kIpv4HeaderMin && header <= packet.size() ? packet.subspan(header) : Bytes{};
}

}  // namespace

EchoRequest echo_request(IpAddress::Family family, const Echo& echo) {
  EchoRequest message{};
  const bool is_v4 = family == IpAddress::Family::v4;
  FrameWriter(message).u8(is_v4 ? kEchoRequest : kEchoRequest6).u8(0).u16(0).u16(echo.identifier).u16(echo.sequence);
  if (is_v4) {
    InetSum sum;
    sum.add(message);
    write_u16(MutableBytes(message).subspan(2), sum.folded());
  }
  return message;
}

std::optional<Echo> read_echo_reply(IpAddress::Family family, Bytes message) {
  const bool is_v4 = family == IpAddress::Family::v4;
  const Bytes icmp = is_v4 ? icmp_of(message) : message;
  if (icmp.size() < kEchoHeader || u8(icmp[0]) != (is_v4 ? kEchoReply : kEchoReply6) || u8(icmp[1]) != 0) {
    return std::nullopt;
  }
  if (is_v4) {
    InetSum sum;
    sum.add(icmp);
    if (sum.folded() != 0) {
      return std::nullopt;
    }
  }
  return Echo{read_u16(icmp.subspan(4)), read_u16(icmp.subspan(6))};
}

ArpMessage arp_request(const MacAddress& mac, const IpAddress& source, const IpAddress& target) {
  ArpMessage message{};
  FrameWriter(message)
      .u16(kEthernet)
      .u16(kIpv4)
      .u8(6)
      .u8(4)
      .u16(kArpRequest)
      .octets(mac)
      .address(source)
      .octets(MacAddress{})
      .address(target);
  return message;
}

std::optional<IpAddress> read_arp_reply(const MacAddress& mac, Bytes message) {
  if (message.size() < kArpSize || read_u16(message) != kEthernet || read_u16(message.subspan(2)) != kIpv4 ||
      u8(message[4]) != 6 || u8(message[5]) != 4 || read_u16(message.subspan(6)) != kArpReply) {
    return std::nullopt;
  }
  if (!std::ranges::equal(message.subspan(kArpTargetMac, mac.size()), std::as_bytes(std::span(mac)))) {
    return std::nullopt;
  }
  return v4_at(message.subspan(kArpSenderAddress));
}

NeighbourSolicitation neighbour_solicitation(const MacAddress& mac, const IpAddress& target) {
  NeighbourSolicitation message{};
  FrameWriter(message)
      .u8(kNeighbourSolicitation)
      .u8(0)
      .u16(0)
      .u32(0)
      .address(target)
      .u8(kSourceLinkLayerAddress)
      .u8(1)
      .octets(mac);
  return message;
}

IpAddress solicited_node(const IpAddress& target) {
  std::array<std::uint8_t, 16> bytes{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff};
  std::copy(target.bytes().begin() + 13, target.bytes().end(), bytes.begin() + 13);
  return IpAddress(bytes);
}

std::optional<IpAddress> read_neighbour_advertisement(Bytes message) {
  if (message.size() < kAdvertisementMin || u8(message[0]) != kNeighbourAdvertisement || u8(message[1]) != 0 ||
      (message[4] & kSolicited) == std::byte{0}) {
    return std::nullopt;
  }
  return v6_at(message.subspan(8));
}

}  // namespace tandem::vrrp
