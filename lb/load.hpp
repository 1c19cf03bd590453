#pragma once

#include <atomic>
#include <cstdint>

#include "lb/snapshot.hpp"

namespace tandem::lb {

/// Sessions and connects of `candidate` under way, of all workers; a recent value. Any thread.
inline std::uint32_t active(const Candidate& candidate) noexcept {
  // relaxed: a number to compare with others, it guards no other memory
  return candidate.backend->active.load(std::memory_order_relaxed);
}

inline bool below_limit(const Candidate& candidate) noexcept {
  return candidate.max_connections == 0 || active(candidate) < candidate.max_connections;
}

/// How full a backend is: active / weight, compared without dividing. Not with one session more, which would keep the
/// lighter of two idle backends idle for ever.
struct Load {
  std::uint64_t sessions;
  std::uint64_t weight;

  explicit Load(const Candidate& candidate) noexcept : sessions(active(candidate)), weight(candidate.weight) {}

  friend bool operator<(const Load& left, const Load& right) noexcept {
    return left.sessions * right.weight < right.sessions * left.weight;
  }
};

/// Counts one more in `counter` unless that is at `limit` (0: none) already. However many threads race, the counter
/// never passes the limit. Any thread.
inline bool reserve(std::atomic<std::uint32_t>& counter, std::uint32_t limit) noexcept {
  // relaxed throughout: the read-modify-write is atomic in any order, and the count guards no other memory
  if (limit == 0) {
    counter.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  std::uint32_t seen = counter.load(std::memory_order_relaxed);
  while (seen < limit) {
    if (counter.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

}  // namespace tandem::lb
