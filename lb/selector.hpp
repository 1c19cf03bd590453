#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <variant>

#include "base/address.hpp"
#include "base/random.hpp"
#include "lb/snapshot.hpp"

namespace tandem::lb {

namespace balance {
struct Tier;
}

/// What is known of a connection when its backend is chosen.
struct Flow {
  IpAddress client;  // from the PROXY header where one was accepted
};

/// A backend chosen for a connection, and the pool that had it: the asked one, or a fallback. Its slot is counted in
/// backend->active and pool->state->active; release() gives it back. The pointers are good while the snapshot is.
struct Selection {
  const Candidate* candidate = nullptr;
  const PoolView* pool = nullptr;
};

/// Why there is none.
enum class Shortage {
  no_backend,  // nobody is eligible in the pool and its fallbacks: hold or refuse
  at_limit,    // there are some, all at their limit: queue or refuse
};

/// Whether a connection may go past a tier or pool whose backends are all at their limit.
enum class Spill {
  no,   // it queues for them: the next tier and the fallback are for when there is nobody, not for when they are busy
  yes,  // it waited queue_timeout, or there is no room to wait: the next tier, then the fallback, then refused
};

/// Chooses a backend for each connection. One per worker, which passes it snapshots as they come; keeps the worker's
/// own place in round-robin orders across snapshots. No lock; no allocation in select().
class Selector {
 public:
  /// `turns` are skipped in new round-robin orders: the worker's number, so that workers do not all begin with the same
  /// backend.
  explicit Selector(std::uint32_t turns = 0);
  ~Selector();
  Selector(const Selector&) = delete;
  Selector& operator=(const Selector&) = delete;

  void adopt(std::shared_ptr<const Snapshot> snapshot);
  [[nodiscard]] const Snapshot& snapshot() const { return *snapshot_; }

  /// Chooses in `entry` or, where that is empty, along its fallbacks, and takes a slot. Backends in `tried` come only
  /// when there is no other. Tiers: the lowest that has anybody (not tried); when those are all at their limit, that is
  /// at_limit, unless `spill` lets it go on. An unknown pool is no_backend.
  std::variant<Selection, Shortage> select(PoolId entry, const Flow& flow, std::span<const BackendId> tried,
                                           Random& random, Spill spill = Spill::no);

  /// Gives back the slot that select() took.
  static void release(Backend& backend, PoolState& pool) noexcept;

 private:
  struct Orders;

  const Candidate* take(const PoolView& pool, const Flow& flow, std::span<const BackendId> tried, Random& random,
                        Spill spill);
  const Candidate* take_in_tier(const PoolView& pool, const balance::Tier& tier, const Flow& flow, Random& random);
  const Candidate* choose(const PoolView& pool, const balance::Tier& tier, const Flow& flow, Random& random);

  std::shared_ptr<const Snapshot> snapshot_;
  std::unique_ptr<Orders> orders_;
};

}  // namespace tandem::lb
