#pragma once

#include "base/random.hpp"
#include "lb/balance/tier.hpp"

namespace tandem::lb::balance {

/// The one that would be least loaded by its weight, counting the sessions of all workers; any of them, equally
/// likely, where several are. Looks at every candidate.
const Candidate* least_connections(const Tier& tier, Random& random) noexcept;

}  // namespace tandem::lb::balance
