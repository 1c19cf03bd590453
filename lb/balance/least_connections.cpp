#include "lb/balance/least_connections.hpp"

#include <cstdint>

namespace tandem::lb::balance {

const Candidate* least_connections(const Tier& tier, Random& random) noexcept {
  const Candidate* least = nullptr;
  std::uint32_t equals = 0;
  for (const Candidate& candidate : tier.candidates) {
    if (!tier.usable(candidate)) {
      continue;
    }
    const Load load(candidate);
    if (least == nullptr || load < Load(*least)) {
      least = &candidate;
      equals = 1;
      continue;
    }
    // The k-th of equals replaces the one before with probability 1/k, so that each ends up chosen equally often.
    if (!(Load(*least) < load) && random.below(++equals) == 0) {
      least = &candidate;
    }
  }
  return least;
}

}  // namespace tandem::lb::balance
