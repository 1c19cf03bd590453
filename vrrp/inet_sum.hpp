#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/address.hpp"
#include "base/bytes.hpp"

namespace tandem::vrrp {

/// The Internet checksum of RFC 1071, added up part by part; each part but the last has an even size. For at most
/// 64 KiB.
class InetSum {
 public:
  void add(Bytes bytes) {
    for (; bytes.size() >= 2; bytes = bytes.subspan(2)) {
      sum_ += read_u16(bytes);
    }
    if (!bytes.empty()) {
      sum_ += std::to_integer<std::uint32_t>(bytes[0]) << 8U;
    }
  }

  /// The pseudo-header of RFC 793 or RFC 8200 section 8.1; `size` is that of what it stands before.
  void add_pseudo_header(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                         std::size_t size) {
    add(std::as_bytes(std::span(source.bytes()).first(source.size())));
    add(std::as_bytes(std::span(destination.bytes()).first(destination.size())));
    sum_ += protocol;
    sum_ += static_cast<std::uint32_t>(size);
  }

  /// The checksum; over bytes that contain their right checksum it is 0.
  [[nodiscard]] std::uint16_t folded() const {
    std::uint32_t sum = sum_;
    while (sum > 0xffffU) {
      sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return static_cast<std::uint16_t>(~sum & 0xffffU);
  }

 private:
  std::uint32_t sum_ = 0;
};

}  // namespace tandem::vrrp
