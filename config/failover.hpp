#pragma once

#include "base/time.hpp"
#include "vrrp/options.hpp"

namespace tandem::config {

/// How long this node's instance waits by the protocol until it takes the addresses, when it is the backup; what the
/// machines themselves need, a few milliseconds, comes on top. RFC 9568 section 6.1, RFC 3768 section 6.1.
struct Failover {
  Duration farewell{0};  // after the other's farewell: its process ended on purpose, or its watcher said so
  Duration silence{0};   // after the last advert that was heard, at most: its machine or link is dead

  friend bool operator==(const Failover&, const Failover&) = default;
};

Failover failover(const vrrp::Options& options);

}  // namespace tandem::config
