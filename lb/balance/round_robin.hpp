#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "lb/balance/tier.hpp"

namespace tandem::lb::balance {

/// Smooth weighted round robin over one pool: in any run of turns each has had its share, and a heavy one's turns are
/// spread out, not in a row (weights 5, 1, 1: a a b a c a a). The place in the order belongs to one worker and outlives
/// snapshots.
class RoundRobin {
 public:
  /// Follows the pool's candidates, who keep their place. `skip` turns are passed over when the order is new, so that
  /// workers do not all begin with the same backend.
  void adopt(std::span<const Candidate> candidates, std::uint32_t skip);

  /// `tier` is a part of the adopted candidates that begins at index `begin`.
  const Candidate* choose(const Tier& tier, std::size_t begin) noexcept;

 private:
  std::vector<BackendId> ids_;
  std::vector<std::int64_t> credit_;  // beside each candidate: weights earned less turns taken
};

}  // namespace tandem::lb::balance
