#include "lb/balance/first.hpp"

namespace tandem::lb::balance {

const Candidate* first(const Tier& tier) noexcept {
  for (const Candidate& candidate : tier.candidates) {
    if (tier.usable(candidate)) {
      return &candidate;
    }
  }
  return nullptr;
}

}  // namespace tandem::lb::balance
