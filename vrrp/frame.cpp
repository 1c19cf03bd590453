#include "vrrp/frame.hpp"

#include <cstddef>
#include <cstdint>

#include "vrrp/frame_writer.hpp"
#include "vrrp/inet_sum.hpp"

namespace tandem::vrrp {
namespace {

constexpr std::size_t kEthernetSize = 14;
constexpr std::size_t kIpv4HeaderSize = 20;
constexpr std::size_t kIpv6HeaderSize = 40;
constexpr std::uint8_t kInternetControl = 0xc0;  // precedence 6

void write_ipv4(MutableBytes at, const Envelope& envelope, const Route& route, std::size_t size) {
  FrameWriter(at)
      .u8(0x45)
      .u8(kInternetControl)
      .u16(static_cast<std::uint16_t>(kIpv4HeaderSize + size))
      .u16(envelope.ipv4_id)
      .u16(0)
      .u8(envelope.hop_limit)
      .u8(kProtocol)
      .u16(0)
      .address(route.source)
      .address(route.destination);
  InetSum sum;
  sum.add(at.first(kIpv4HeaderSize));
  write_u16(at.subspan(10), sum.folded());
}

void write_ipv6(MutableBytes at, const Envelope& envelope, const Route& route, std::size_t size) {
  constexpr std::uint32_t version = 6U << 28U;
  FrameWriter(at)
      .u32(version | std::uint32_t{kInternetControl} << 20U | (envelope.ipv6_flow_label & 0xfffffU))
      .u16(static_cast<std::uint16_t>(size))
      .u8(kProtocol)
      .u8(envelope.hop_limit)
      .address(route.source)
      .address(route.destination);
}

}  // namespace

std::size_t write_advert_packet(MutableBytes at, const Envelope& envelope, const Route& route, Bytes advert) {
  const bool v4 = route.source.is_v4();
  const std::size_t header_size = v4 ? kIpv4HeaderSize : kIpv6HeaderSize;
  (v4 ? write_ipv4 : write_ipv6)(at, envelope, route, advert.size());
  FrameWriter(at.subspan(header_size)).bytes(advert);
  return header_size + advert.size();
}

std::size_t write_advert_frame(MutableBytes at, const Envelope& envelope, const Route& route, Bytes advert) {
  const std::uint16_t type = route.source.is_v4() ? 0x0800 : 0x86dd;
  FrameWriter(at).octets(envelope.destination).octets(envelope.source).u16(type);
  return kEthernetSize + write_advert_packet(at.subspan(kEthernetSize), envelope, route, advert);
}

std::vector<std::byte> advert_frame(const Envelope& envelope, const Route& route, Bytes advert) {
  std::vector<std::byte> frame(kFrameHeaderMax + advert.size());
  frame.resize(write_advert_frame(frame, envelope, route, advert));
  return frame;
}

}  // namespace tandem::vrrp
