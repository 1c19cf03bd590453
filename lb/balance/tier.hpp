#pragma once

#include <algorithm>
#include <span>

#include "base/ids.hpp"
#include "lb/load.hpp"
#include "lb/snapshot.hpp"

namespace tandem::lb::balance {

/// The candidates an algorithm chooses from: one tier of a pool, less those to be passed over. An algorithm returns
/// one that is usable(), or null when none is.
struct Tier {
  std::span<const Candidate> candidates;
  std::span<const BackendId> tried;  // passed over

  [[nodiscard]] bool is_tried(const Candidate& candidate) const noexcept {
    return std::find(tried.begin(), tried.end(), candidate.backend->id) != tried.end();
  }
  [[nodiscard]] bool usable(const Candidate& candidate) const noexcept {
    return below_limit(candidate) && !is_tried(candidate);
  }
};

}  // namespace tandem::lb::balance
