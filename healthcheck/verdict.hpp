#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/role.hpp"
#include "base/time.hpp"

namespace tandem::healthcheck {

/// What one probe run found out.
struct Verdict {
  bool reachable = false;
  Role role = Role::none;
  bool role_definite = false;             // the backend said its role itself, even if it is not reachable for clients
  std::optional<std::uint64_t> epoch;     // PostgreSQL: timeline
  std::optional<std::uint64_t> position;  // bytes of the write log, on a primary written, on a replica replayed
  std::optional<std::uint64_t> lag_bytes;
  std::optional<Duration> lag_time;
  bool takes_reads = true;  // false: asked to be left out of read pools
  std::string reason;       // "connect refused", "HTTP 503, wanted 200-299", "role replica, timeline 4, lag 12 MB"

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

}  // namespace tandem::healthcheck
