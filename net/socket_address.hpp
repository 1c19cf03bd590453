#pragma once

#include <sys/socket.h>

#include <optional>

#include "base/address.hpp"

namespace tandem::net {

/// An Endpoint in the kernel's form.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  SocketAddress() = default;
  explicit SocketAddress(const Endpoint& endpoint);

  [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  /// Nothing for other families than IPv4 and IPv6. IPv4-mapped addresses come back as IPv4.
  [[nodiscard]] std::optional<Endpoint> endpoint() const;
};

}  // namespace tandem::net
