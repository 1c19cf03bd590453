#include "lb/balance/least_connections.hpp"

#include <cstdint>

namespace tandem::lb::balance {

const Candidate* least_connections(const Tier& tier, Random& random) noexcept {
  const Candidate* least = nullptr;
  std::uint32_t weight_of_equals = 0;
  for (const Candidate& candidate : tier.candidates) {
    if (!tier.usable(candidate)) {
      continue;
    }
    const Load load(candidate);
    if (least == nullptr || load < Load(*least)) {
      least = &candidate;
      weight_of_equals = candidate.weight;
      continue;
    }
    if (Load(*least) < load) {
      continue;
    }
    // Replacing the one before with the probability of its share in the weight so far, each ends up with its share.
    weight_of_equals += candidate.weight;
    if (random.below(weight_of_equals) < candidate.weight) {
      least = &candidate;
    }
  }
  return least;
}

}  // namespace tandem::lb::balance
