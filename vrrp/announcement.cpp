#include "vrrp/announcement.hpp"

#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "vrrp/frame_writer.hpp"
#include "vrrp/inet_sum.hpp"

namespace tandem::vrrp {
namespace {

constexpr std::uint16_t kEtherArp = 0x0806;
constexpr std::uint16_t kEtherIpv4 = 0x0800;
constexpr std::uint16_t kEtherIpv6 = 0x86dd;
constexpr std::size_t kEthernetSize = 14;
constexpr std::size_t kIpv6HeaderSize = 40;
constexpr std::uint8_t kIcmpv6 = 58;
constexpr IpAddress kAllNodes(std::array<std::uint8_t, 16>{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});

}  // namespace

MacAddress virtual_mac(IpAddress::Family family, VirtualRouterId id) {
  const std::uint8_t kind = family == IpAddress::Family::v4 ? 1 : 2;
  return {0x00, 0x00, 0x5e, 0x00, kind, static_cast<std::uint8_t>(id)};
}

MacAddress multicast_mac(const IpAddress& group) {
  const auto& bytes = group.bytes();
  if (group.is_v4()) {
    return {0x01, 0x00, 0x5e, static_cast<std::uint8_t>(bytes[1] & 0x7fU), bytes[2], bytes[3]};
  }
  return {0x33, 0x33, bytes[12], bytes[13], bytes[14], bytes[15]};
}

GratuitousArp gratuitous_arp(const MacAddress& mac, const IpAddress& address) {
  check(address.is_v4(), "ARP is for IPv4");
  constexpr std::uint16_t ethernet = 1;
  constexpr std::uint16_t request = 1;
  GratuitousArp frame{};
  FrameWriter(frame)
      .octets(kBroadcast)
      .octets(mac)
      .u16(kEtherArp)
      .u16(ethernet)
      .u16(kEtherIpv4)
      .u8(6)
      .u8(4)
      .u16(request)
      .octets(mac)
      .address(address)
      .octets(kBroadcast)
      .address(address);
  return frame;
}

NeighbourAdvertisement neighbour_advertisement(const MacAddress& mac, const IpAddress& address, Forwards forwards) {
  check(!address.is_v4(), "neighbour advertisements are for IPv6");
  constexpr std::uint16_t message_size = 32;
  constexpr std::uint32_t router = 0x80000000U;
  constexpr std::uint32_t override_cache = 0x20000000U;
  NeighbourAdvertisement frame{};
  FrameWriter(frame)
      .octets(multicast_mac(kAllNodes))
      .octets(mac)
      .u16(kEtherIpv6)
      .u32(0x60000000U)  // version 6, no traffic class, no flow
      .u16(message_size)
      .u8(kIcmpv6)
      .u8(255)
      .address(address)
      .address(kAllNodes)
      .u8(136)  // neighbour advertisement
      .u8(0)
      .u16(0)
      .u32(override_cache | (forwards == Forwards::yes ? router : 0U))
      .address(address)
      .u8(2)  // target link-layer address
      .u8(1)  // of eight bytes
      .octets(mac);

  const MutableBytes message = MutableBytes(frame).subspan(kEthernetSize + kIpv6HeaderSize);
  InetSum sum;
  sum.add(message);
  sum.add_pseudo_header(address, kAllNodes, kIcmpv6, message.size());
  write_u16(message.subspan(2), sum.folded());
  return frame;
}

}  // namespace tandem::vrrp
