#pragma once

#include "base/random.hpp"
#include "lb/balance/tier.hpp"

namespace tandem::lb::balance {

/// The one least loaded by its weight, counting the sessions of all workers; where several are, any of them, as likely
/// as its weight says. Looks at every candidate.
const Candidate* least_connections(const Tier& tier, Random& random) noexcept;

}  // namespace tandem::lb::balance
