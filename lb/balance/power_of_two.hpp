#pragma once

#include "base/random.hpp"
#include "lb/balance/tier.hpp"

namespace tandem::lb::balance {

/// The less loaded, by weight, of two drawn at random; of equals either, as likely as its weight says. Costs the same
/// however many candidates there are, unless most of them are full.
const Candidate* power_of_two(const Tier& tier, Random& random) noexcept;

}  // namespace tandem::lb::balance
