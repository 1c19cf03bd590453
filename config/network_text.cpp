#include "config/network_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

#include "base/text.hpp"
#include "config/section.hpp"

namespace tandem::config {

namespace {

bool is_multicast(const IpAddress& address) {
  return address.is_v4() ? (address.bytes()[0] & 0xf0U) == 0xe0 : address.bytes()[0] == 0xff;
}

bool is_broadcast(const IpAddress& address) {
  return address.is_v4() && std::all_of(address.bytes().begin(), address.bytes().begin() + 4,
                                        [](std::uint8_t byte) { return byte == 0xff; });
}

/// Why nobody can be reached at this address, or only this machine itself; else empty.
std::string_view why_no_host(const IpAddress& address) {
  if (address.is_unspecified()) {
    return "is no address of anybody";
  }
  if (address.is_loopback()) {
    return "is a loopback address, which stays within one machine";
  }
  if (is_multicast(address)) {
    return "is a multicast address";
  }
  if (is_broadcast(address)) {
    return "is the broadcast address";
  }
  if (address.unmapped() != address) {
    return "is an IPv4 address in IPv6 clothes; write the IPv4 address itself";
  }
  return {};
}

std::optional<std::uint8_t> parse_length(std::string_view text, unsigned most) {
  unsigned length = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, length);
  if (parsed.ec != std::errc{} || parsed.ptr != end || length == 0 || length > most) {
    return std::nullopt;
  }
  return static_cast<std::uint8_t>(length);
}

/// The bits after the first `length` are all zero, or all one.
bool rest_is(const IpAddress& address, unsigned length, bool ones) {
  for (unsigned bit = length; bit < address.size() * 8; ++bit) {
    if (((address.bytes()[bit / 8] >> (7 - bit % 8)) & 1U) != (ones ? 1U : 0U)) {
      return false;
    }
  }
  return true;
}

/// `text` is the part of `value` that is an address.
Result<IpAddress> parse_part(const Node& value, std::string_view text) {
  const auto address = IpAddress::parse(text);
  if (!address) {
    return Error{parse_failure(value, address.error().text)};
  }
  if (const std::string_view why = why_no_host(*address); !why.empty()) {
    return Error{concat(quoted(value), " ", why)};
  }
  return *address;
}

}  // namespace

bool is_link_local(const IpAddress& address) {
  return !address.is_v4() && address.bytes()[0] == 0xfe && (address.bytes()[1] & 0xc0U) == 0x80;
}

bool in_one_network(const IpAddress& one, const IpAddress& other, unsigned length) {
  return Prefix(one, length).contains(other);
}

std::string to_string(const vrrp::VirtualAddress& address) {
  return concat(to_string(address.address), "/", address.prefix_length);
}

Result<IpAddress> parse_host(const Node& value) { return parse_part(value, value.text); }

Result<vrrp::VirtualAddress> parse_virtual_address(const Node& value) {
  const auto slash = value.text.find('/');
  const auto address = parse_part(value, std::string_view(value.text).substr(0, slash));
  if (!address) {
    return Error{address.error().text};
  }
  const unsigned most = address->is_v4() ? 32 : 128;
  vrrp::VirtualAddress out{*address, static_cast<std::uint8_t>(most)};
  if (slash == std::string::npos) {
    return out;
  }
  const auto length = parse_length(std::string_view(value.text).substr(slash + 1), most);
  if (!length) {
    return Error{concat(quoted(value), ": the length of the network is 1 to ", most)};
  }
  out.prefix_length = *length;
  if (out.prefix_length + 1U < most && address->is_v4()) {
    if (rest_is(*address, *length, false)) {
      return Error{concat(quoted(value), " is the network itself, not an address in it")};
    }
    if (rest_is(*address, *length, true)) {
      return Error{concat(quoted(value), " is the network's broadcast address")};
    }
  }
  return out;
}

Result<vrrp::Witness> parse_witness(const Node& value) {
  constexpr std::string_view arp = "arp:";
  vrrp::Witness out;
  if (const auto endpoint = Endpoint::parse(value.text); endpoint) {
    if (const auto parsed = parse_endpoint(value); !parsed) {
      return Error{parsed.error().text};
    }
    if (const std::string_view why = why_no_host(endpoint->address); !why.empty()) {
      return Error{concat(quoted(value), " ", why)};
    }
    out.kind = vrrp::WitnessKind::tcp;
    out.address = endpoint->address;
    out.port = endpoint->port;
    return out;
  }
  Node host = value;
  if (value.text.starts_with(arp)) {
    out.kind = vrrp::WitnessKind::arp;
    host.text.erase(0, arp.size());
  }
  const auto address = parse_host(host);
  if (!address) {
    return Error{
        value.text == value.written && !IpAddress::parse(host.text)
            ? concat(quoted(value), " is not a witness; write \"192.0.2.1\", \"192.0.2.1:443\" or \"arp:192.0.2.1\"")
            : address.error().text};
  }
  out.address = *address;
  return out;
}

}  // namespace tandem::config
