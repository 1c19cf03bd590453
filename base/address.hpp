#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem {

/// An IPv4 or IPv6 address, in network byte order. A value.
class IpAddress {
 public:
  enum class Family : std::uint8_t { v4, v6 };

  /// 0.0.0.0
  constexpr IpAddress() = default;
  constexpr explicit IpAddress(std::array<std::uint8_t, 4> bytes) : bytes_{bytes[0], bytes[1], bytes[2], bytes[3]} {}
  constexpr explicit IpAddress(std::array<std::uint8_t, 16> bytes) : family_(Family::v6), bytes_(bytes) {}

  /// "192.0.2.1" or "2001:db8::1"; no brackets, no zone.
  static Result<IpAddress> parse(std::string_view text);

  [[nodiscard]] constexpr Family family() const { return family_; }
  [[nodiscard]] constexpr bool is_v4() const { return family_ == Family::v4; }
  /// 4 or 16.
  [[nodiscard]] constexpr std::size_t size() const { return is_v4() ? 4 : 16; }
  /// The first size() bytes count, the rest are zero.
  [[nodiscard]] constexpr const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] bool is_unspecified() const;
  /// ::ffff:192.0.2.1 becomes 192.0.2.1; any other address stays.
  [[nodiscard]] IpAddress unmapped() const;

  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  Family family_ = Family::v4;
  std::array<std::uint8_t, 16> bytes_{};
};

std::string to_string(const IpAddress& address);

/// Address and port.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// "192.0.2.1:80" or "[2001:db8::1]:80"; the port is required. The error says what is wrong.
  static Result<Endpoint> parse(std::string_view text);

  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

std::string to_string(const Endpoint& endpoint);

/// A network: "10.0.0.0/8", "2001:db8::/32", or one address without "/".
class Prefix {
 public:
  constexpr Prefix() = default;
  /// Bits beyond `length` are cleared. `length` is at most 32 or 128.
  Prefix(const IpAddress& address, unsigned length);

  static Result<Prefix> parse(std::string_view text);

  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] const IpAddress& address() const { return address_; }
  [[nodiscard]] unsigned length() const { return length_; }

  friend constexpr auto operator<=>(const Prefix&, const Prefix&) = default;

 private:
  IpAddress address_;
  unsigned length_ = 0;
};

std::string to_string(const Prefix& prefix);

}  // namespace tandem
