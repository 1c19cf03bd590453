#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/address.hpp"
#include "base/bytes.hpp"

namespace tandem::vrrp {

/// Writes fields one after the other into a frame that is large enough for them.
class FrameWriter {
 public:
  explicit FrameWriter(MutableBytes frame) : rest_(frame) {}

  FrameWriter& u8(std::uint8_t value) {
    rest_[0] = std::byte{value};
    rest_ = rest_.subspan(1);
    return *this;
  }
  FrameWriter& u16(std::uint16_t value) {
    write_u16(rest_, value);
    rest_ = rest_.subspan(2);
    return *this;
  }
  FrameWriter& u32(std::uint32_t value) {
    write_u32(rest_, value);
    rest_ = rest_.subspan(4);
    return *this;
  }
  FrameWriter& bytes(Bytes value) {
    std::ranges::copy(value, rest_.begin());
    rest_ = rest_.subspan(value.size());
    return *this;
  }
  FrameWriter& octets(std::span<const std::uint8_t> value) { return bytes(std::as_bytes(value)); }
  FrameWriter& address(const IpAddress& value) { return octets(std::span(value.bytes()).first(value.size())); }

 private:
  MutableBytes rest_;
};

}  // namespace tandem::vrrp
