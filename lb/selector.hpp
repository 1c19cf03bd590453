#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <variant>

#include "base/address.hpp"
#include "base/random.hpp"
#include "lb/snapshot.hpp"

namespace tandem::lb {

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

/// Chooses a backend for each connection. One per worker, which passes it snapshots as they come; keeps the worker's
/// own place in round-robin orders across snapshots. No lock; no allocation in select().
class Selector {
 public:
  Selector();
  ~Selector();
  Selector(const Selector&) = delete;
  Selector& operator=(const Selector&) = delete;

  void adopt(std::shared_ptr<const Snapshot> snapshot);
  [[nodiscard]] const Snapshot& snapshot() const { return *snapshot_; }

  /// Chooses in `entry` or, where that is empty, along its fallbacks, and takes a slot. Backends in `tried` come only
  /// when there is no other. Tiers: the lowest with a backend below its limit; an unknown pool is no_backend.
  std::variant<Selection, Shortage> select(PoolId entry, const Flow& flow, std::span<const BackendId> tried,
                                           Random& random);

  /// Gives back the slot that select() took.
  static void release(Backend& backend, PoolState& pool) noexcept;

 private:
  struct Orders;

  std::shared_ptr<const Snapshot> snapshot_;
  std::unique_ptr<Orders> orders_;
};

}  // namespace tandem::lb
