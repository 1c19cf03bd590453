#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "lb/options.hpp"

namespace tandem::lb::relay {

/// The PROXY protocol, versions 1 and 2, as HAProxy's proxy-protocol.txt (sections 2.1 and 2.2) says. Pure.

/// Who connects to whom, as the sender of the header saw it.
struct ProxiedConnection {
  Endpoint source;
  Endpoint destination;

  friend bool operator==(const ProxiedConnection&, const ProxiedConnection&) = default;
};

/// A whole header. `connection` is empty for LOCAL, UNKNOWN and families other than TCP over IPv4 or IPv6: the
/// socket's own addresses count then.
struct ProxyHeader {
  std::size_t length = 0;  // bytes that it takes of the stream
  std::optional<ProxiedConnection> connection;

  friend bool operator==(const ProxyHeader&, const ProxyHeader&) = default;
};

enum class ProxyHeaderState { unfinished, malformed };

/// A version 2 header with more extensions than fit is refused.
inline constexpr std::size_t kProxyHeaderMax = 4096;

/// Reads the header at the start of a stream of which `begin` is what has come so far; what follows the header is not
/// looked at. An answer other than unfinished stays the same however much more comes. Extensions (TLVs) are skipped.
std::variant<ProxyHeader, ProxyHeaderState> parse_proxy_header(Bytes begin);

/// A header to send; the first `length` bytes count.
struct EncodedProxyHeader {
  std::array<std::byte, 108> bytes{};
  std::size_t length = 0;

  [[nodiscard]] Bytes view() const { return Bytes(bytes).first(length); }
};

/// `version` is v1 or v2. Where the families differ, the IPv4 address goes as an IPv4-mapped one.
EncodedProxyHeader encode_proxy_header(SendProxyProtocol version, const ProxiedConnection& connection);

}  // namespace tandem::lb::relay
