#pragma once

#include "lb/balance/tier.hpp"

namespace tandem::lb::balance {

/// Fills in order: the first one below its limit.
const Candidate* first(const Tier& tier) noexcept;

}  // namespace tandem::lb::balance
