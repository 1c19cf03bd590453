#pragma once

#include <optional>
#include <string>

#include "base/address.hpp"

namespace tandem::admin {

/// Where people and Prometheus come in.
struct AdminOptions {
  std::optional<Endpoint> listen;                 // JSON and /metrics; none: the socket only
  std::string socket = "/run/tandem/admin.sock";  // empty: none
  std::string token_file;                         // for commands over TCP; needed where `listen` is not loopback

  friend bool operator==(const AdminOptions&, const AdminOptions&) = default;
};

}  // namespace tandem::admin
