#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "tests/vrrp/support.hpp"
#include "vrrp/frame.hpp"
#include "vrrp/packet.hpp"

namespace tandem::vrrp {

/// A captured frame taken apart down to the VRRP message.
struct Captured {
  std::vector<std::byte> frame;
  Envelope envelope;
  Route route;
  std::uint8_t protocol = 0;
  std::size_t message_at = 0;

  [[nodiscard]] Bytes message() const { return Bytes(frame).subspan(message_at); }
  [[nodiscard]] Datagram datagram() const { return {message(), route, envelope.hop_limit}; }
};

template <std::size_t Size>
std::array<std::uint8_t, Size> octets(Bytes at) {
  std::array<std::uint8_t, Size> result{};
  std::transform(at.begin(), at.begin() + Size, result.begin(), std::to_integer<std::uint8_t>);
  return result;
}

/// The authentication header of IPsec, 24 bytes, is stepped over.
inline Captured captured(std::string_view hex) {
  Captured result;
  result.frame = from_hex(hex);
  const Bytes frame(result.frame);
  result.envelope.destination = octets<6>(frame);
  result.envelope.source = octets<6>(frame.subspan(6));
  const Bytes header = frame.subspan(14);
  if (read_u16(frame.subspan(12)) == 0x0800) {
    result.envelope.ipv4_id = read_u16(header.subspan(4));
    result.envelope.hop_limit = std::to_integer<std::uint8_t>(header[8]);
    result.protocol = std::to_integer<std::uint8_t>(header[9]);
    result.route = {IpAddress(octets<4>(header.subspan(12))), IpAddress(octets<4>(header.subspan(16)))};
    result.message_at = 14U + 20U + (result.protocol == 51 ? 24U : 0U);
    return result;
  }
  result.envelope.ipv6_flow_label = read_u32(header) & 0xfffffU;
  result.protocol = std::to_integer<std::uint8_t>(header[6]);
  result.envelope.hop_limit = std::to_integer<std::uint8_t>(header[7]);
  result.route = {IpAddress(octets<16>(header.subspan(8))), IpAddress(octets<16>(header.subspan(24)))};
  result.message_at = 14U + 40U;
  return result;
}

}  // namespace tandem::vrrp
