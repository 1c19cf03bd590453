#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem::lb {

/// Why a session ended; every session has exactly one.
enum class Cause : std::uint8_t {
  client_fin,
  client_reset,
  client_idle,
  backend_fin,
  backend_reset,
  backend_idle,
  connect_refused,
  connect_timeout,
  no_backend,
  hold_timeout,
  queue_timeout,
  limit,
  severed_role,
  severed_down,
  severed_drain,
  severed_address,  // the virtual address went to the peer
  shutdown,
  error,
};
inline constexpr std::array<std::string_view, 18> kCauseNames{
    "client_fin",      "client_reset",    "client_idle",   "backend_fin",     "backend_reset", "backend_idle",
    "connect_refused", "connect_timeout", "no_backend",    "hold_timeout",    "queue_timeout", "limit",
    "severed_role",    "severed_down",    "severed_drain", "severed_address", "shutdown",      "error"};
constexpr std::string_view to_string(Cause cause) noexcept { return kCauseNames[static_cast<std::size_t>(cause)]; }

/// Why a listener turned a client away before it became a session.
enum class Rejection : std::uint8_t {
  denied,        // allow and deny
  limit,         // the listener's max_connections
  proxy_header,  // missing, malformed, late, or from somebody who may not send one
  no_fd,         // the process is out of file descriptors
};
inline constexpr std::array<std::string_view, 4> kRejectionNames{"denied", "limit", "proxy_header", "no_fd"};

/// Why a connect to a backend failed.
enum class ConnectFailure : std::uint8_t { refused, timeout, unreachable, local };
inline constexpr std::array<std::string_view, 4> kConnectFailureNames{"refused", "timeout", "unreachable", "local"};

}  // namespace tandem::lb
