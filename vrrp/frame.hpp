#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "vrrp/announcement.hpp"
#include "vrrp/packet.hpp"

namespace tandem::vrrp {

/// How an advert is put on the wire, beside what it says.
struct Envelope {
  MacAddress destination{};
  MacAddress source{};
  std::uint8_t hop_limit = 255;
  std::uint16_t ipv4_id = 0;          // counts the adverts
  std::uint32_t ipv6_flow_label = 0;  // 20 bits
};

/// No less than the headers of an advert's frame.
inline constexpr std::size_t kFrameHeaderMax = 14 + 40;

/// Writes the IP header and `advert` to the beginning of `at`, which has room for them; the number of bytes written.
std::size_t write_advert_packet(MutableBytes at, const Envelope& envelope, const Route& route, Bytes advert);
/// Likewise with the Ethernet header in front.
std::size_t write_advert_frame(MutableBytes at, const Envelope& envelope, const Route& route, Bytes advert);

/// The whole Ethernet frame of an advert, without its check sequence, as keepalived sends it: traffic class 0xc0, may
/// be fragmented. For whoever must send a farewell without a machine and a socket of protocol 112 of its own.
std::vector<std::byte> advert_frame(const Envelope& envelope, const Route& route, Bytes advert);

}  // namespace tandem::vrrp
