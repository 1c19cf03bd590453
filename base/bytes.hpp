#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tandem {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline Bytes as_bytes(std::string_view text) noexcept { return std::as_bytes(std::span(text.data(), text.size())); }

inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Big-endian, as networks write numbers. The span is at least two, four bytes long.
constexpr std::uint16_t read_u16(Bytes at) noexcept {
  return static_cast<std::uint16_t>(std::to_integer<unsigned>(at[0]) << 8U | std::to_integer<unsigned>(at[1]));
}
constexpr std::uint32_t read_u32(Bytes at) noexcept {
  return std::uint32_t{read_u16(at)} << 16U | read_u16(at.subspan(2));
}
constexpr void write_u16(MutableBytes at, std::uint16_t value) noexcept {
  at[0] = static_cast<std::byte>(value >> 8U);
  at[1] = static_cast<std::byte>(value & 0xffU);
}
constexpr void write_u32(MutableBytes at, std::uint32_t value) noexcept {
  write_u16(at, static_cast<std::uint16_t>(value >> 16U));
  write_u16(at.subspan(2), static_cast<std::uint16_t>(value & 0xffffU));
}

}  // namespace tandem
