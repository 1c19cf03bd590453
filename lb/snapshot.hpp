#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "base/role.hpp"
#include "base/time.hpp"
#include "lb/backend.hpp"
#include "lb/options.hpp"
#include "lb/outcome.hpp"
#include "metrics/counter.hpp"
#include "metrics/histogram.hpp"

namespace tandem::lb {

namespace balance {
class MaglevTable;
}

/// What workers count of one pool, one of these per worker.
struct PoolStats {
  metrics::Counter connections;  // sessions that reached a backend
  std::array<metrics::Counter, kCauseNames.size()> closed;
  metrics::DurationHistogram connect_duration;
  metrics::DurationHistogram session_duration;
};

/// What all workers share of one pool. Outlives snapshots; each number has a limit in PoolOptions.
struct PoolState {
  explicit PoolState(std::size_t workers) : stats(workers) {}

  metrics::PerWorker<PoolStats> stats;
  alignas(metrics::kCacheLine) std::atomic<std::uint32_t> active{0};  // sessions and connects under way
  alignas(metrics::kCacheLine) std::atomic<std::uint32_t> held{0};
  std::atomic<std::uint32_t> queued{0};
  std::atomic<std::uint32_t> connecting{0};
};

/// A backend that may take new sessions of a pool now.
struct Candidate {
  std::shared_ptr<Backend> backend;
  std::uint32_t weight = 100;  // > 0
  std::uint32_t tier = 0;
  std::uint32_t max_connections = 0;  // the smaller of the backend's and the pool's; 0: no limit
  Role role = Role::none;             // when the snapshot was made
};

/// One pool at one moment. Never changes once published.
struct PoolView {
  PoolId id{};
  /// Raised whenever the backend that holds a write pool changes or leaves.
  std::uint64_t generation = 0;
  std::shared_ptr<const PoolOptions> options;
  std::shared_ptr<PoolState> state;
  std::vector<Candidate> candidates;  // by tier, then in the file's order; in a write pool at most one
  std::optional<PoolId> fallback;     // where its traffic goes while `candidates` is empty; chains have no cycle
  bool fail_open = false;             // every backend failed and all are tried (`when_none_healthy`)
  std::shared_ptr<const balance::MaglevTable> maglev;  // for Balance::maglev, over the lowest tier
};

/// Everything a worker needs to choose. Immutable; unchanged pools are shared with the snapshot before.
struct Snapshot {
  std::uint64_t version = 0;
  std::unordered_map<PoolId, std::shared_ptr<const PoolView>> pools;

  [[nodiscard]] const PoolView* find(PoolId pool) const {
    const auto found = pools.find(pool);
    return found == pools.end() ? nullptr : found->second.get();
  }
};

/// An order to end sessions at once, with a reset to both ends. Only the conditions that are set must match.
struct Sever {
  std::optional<ListenerId> listener;
  std::optional<PoolId> entry_pool;  // the pool of the session's listener
  std::optional<PoolId> pool;        // the pool whose backend carries the session (its fallback's, if it fell back)
  std::optional<BackendId> backend;
  Cause cause = Cause::severed_role;
  Duration over{0};  // spread evenly over this long

  friend bool operator==(const Sever&, const Sever&) = default;
};

}  // namespace tandem::lb
