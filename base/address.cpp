#include "base/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/check.hpp"
#include "base/text.hpp"

namespace tandem {

namespace {

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t max) {
  std::uint32_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failure != std::errc{} || end != text.data() + text.size() || value > max) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') == std::string::npos) {
    std::array<std::uint8_t, 4> v4{};
    if (inet_pton(AF_INET, terminated.c_str(), v4.data()) == 1) {
      return IpAddress(v4);
    }
    std::array<std::uint8_t, 16> v6{};
    if (inet_pton(AF_INET6, terminated.c_str(), v6.data()) == 1) {
      return IpAddress(v6);
    }
  }
  return Error{concat("\"", text, "\" is not an IP address")};
}

bool IpAddress::is_loopback() const {
  if (is_v4()) {
    return bytes_[0] == 127;
  }
  const IpAddress plain = unmapped();
  if (plain.is_v4()) {
    return plain.is_loopback();
  }
  return bytes_[15] == 1 && std::all_of(bytes_.begin(), bytes_.begin() + 15, [](auto byte) { return byte == 0; });
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](auto byte) { return byte == 0; });
}

IpAddress IpAddress::unmapped() const {
  const bool mapped = !is_v4() &&
                      std::all_of(bytes_.begin(), bytes_.begin() + 10, [](auto byte) { return byte == 0; }) &&
                      bytes_[10] == 0xff && bytes_[11] == 0xff;
  return mapped ? IpAddress(std::array<std::uint8_t, 4>{bytes_[12], bytes_[13], bytes_[14], bytes_[15]}) : *this;
}

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  inet_ntop(address.is_v4() ? AF_INET : AF_INET6, address.bytes().data(), out.data(), out.size());
  return out.data();
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  const bool bracketed = text.starts_with('[');
  const auto bracket = text.find(']');
  if (colon == std::string_view::npos || (bracketed && (bracket == std::string_view::npos || colon < bracket))) {
    return Error{concat("\"", text, "\" has no port; write ADDRESS:PORT, for IPv6 [ADDRESS]:PORT")};
  }
  std::string_view host = text.substr(0, colon);
  if (bracketed) {
    if (bracket + 1 != colon) {
      return Error{concat("\"", text, "\" is not [ADDRESS]:PORT")};
    }
    host = text.substr(1, bracket - 1);
  } else if (host.find(':') != std::string_view::npos) {
    return Error{concat("\"", text, "\": write an IPv6 address in brackets, like \"[2001:db8::1]:80\"")};
  }
  const std::string_view port_text = text.substr(colon + 1);
  const auto port = parse_number(port_text, 65'535);
  if (!port) {
    return Error{concat("\"", text, "\": \"", port_text, "\" is not a port (0 to 65535)")};
  }
  const auto address = IpAddress::parse(host);
  if (!address) {
    return Error{concat("\"", text, "\": \"", host, "\" is not an IP address")};
  }
  if (address->is_v4() == bracketed) {
    return Error{concat("\"", text, "\": brackets are for IPv6 addresses")};
  }
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

std::string to_string(const Endpoint& endpoint) {
  const std::string address = to_string(endpoint.address);
  return endpoint.address.is_v4() ? concat(address, ":", endpoint.port) : concat("[", address, "]:", endpoint.port);
}

Prefix::Prefix(const IpAddress& address, unsigned length) : length_(length) {
  check(length <= address.size() * 8, "a prefix is no longer than its address");
  std::array<std::uint8_t, 16> bytes = address.bytes();
  for (unsigned bit = length; bit < 128; ++bit) {
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] & ~(0x80U >> bit % 8));
  }
  address_ = address.is_v4() ? IpAddress(std::array<std::uint8_t, 4>{bytes[0], bytes[1], bytes[2], bytes[3]})
                             : IpAddress(bytes);
}

Result<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) {
    return Error{concat("\"", text, "\" is not a network; write it like \"10.0.0.0/8\" or \"2001:db8::/32\"")};
  }
  const auto longest = static_cast<std::uint32_t>(address->size() * 8);
  if (slash == std::string_view::npos) {
    return Prefix(*address, longest);
  }
  const auto length = parse_number(text.substr(slash + 1), longest);
  if (!length) {
    return Error{concat("\"", text, "\": the prefix length is 0 to ", longest)};
  }
  const Prefix prefix(*address, *length);
  if (prefix.address() != *address) {
    return Error{concat("\"", text, "\" has bits beyond its length; did you mean \"", to_string(prefix), "\"?")};
  }
  return prefix;
}

bool Prefix::contains(const IpAddress& address) const {
  if (address.family() != address_.family()) {
    return false;
  }
  const unsigned whole = length_ / 8;
  const auto& ours = address_.bytes();
  const auto& theirs = address.bytes();
  if (!std::equal(ours.begin(), ours.begin() + whole, theirs.begin())) {
    return false;
  }
  const unsigned rest = length_ % 8;
  return rest == 0 || ((ours[whole] ^ theirs[whole]) & (0xffU << (8 - rest)) & 0xffU) == 0;
}

std::string to_string(const Prefix& prefix) { return concat(to_string(prefix.address()), "/", prefix.length()); }

}  // namespace tandem
