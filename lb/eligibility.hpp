#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.hpp"
#include "lb/options.hpp"
#include "lb/pools.hpp"
#include "lb/snapshot.hpp"

namespace tandem::lb {

/// Whether a replica is near enough to its primary. Unknown lag is too much where a limit is set.
bool within_lag(const PoolOptions& pool, const Standing& standing);

/// Who may take new sessions of a pool, by tier and then in the file's order.
struct Eligible {
  std::vector<Candidate> candidates;
  bool fail_open = false;
};

/// For pools of role replica or any. `probed`: as in ClusterOptions.
Eligible eligible(const PoolOptions& pool, std::span<BackendStatus* const> members, bool probed);

/// For a write pool held by `writer`: it, unless it is drained, down or not primary.
Eligible eligible_writer(const PoolOptions& pool, std::span<BackendStatus* const> members,
                         std::optional<BackendId> writer);

/// Maglev's table over the lowest tier, or null where the pool has another algorithm. Takes that of `before` over when
/// it would be the same.
std::shared_ptr<const balance::MaglevTable> maglev_table(const PoolOptions& pool, std::span<const Candidate> candidates,
                                                         const PoolView* before);

/// Whether workers would notice a difference.
bool same(const PoolView& left, const PoolView& right);

}  // namespace tandem::lb
