#include "lb/balance/power_of_two.hpp"

#include <cstdint>

#include "lb/balance/least_connections.hpp"

namespace tandem::lb::balance {

namespace {

constexpr int kDrawsMax = 8;  // before looking at everybody, when most are full or tried

const Candidate* less_loaded(const Candidate& one, const Candidate& other, Random& random) noexcept {
  const Load load_of_one(one);
  const Load load_of_other(other);
  if (load_of_one < load_of_other) {
    return &one;
  }
  if (load_of_other < load_of_one) {
    return &other;
  }
  return random.below(one.weight + other.weight) < one.weight ? &one : &other;
}

}  // namespace

const Candidate* power_of_two(const Tier& tier, Random& random) noexcept {
  const auto count = static_cast<std::uint32_t>(tier.candidates.size());
  if (count <= 2) {
    return least_connections(tier, random);
  }
  const Candidate* one = nullptr;
  for (int draw = 0; draw < kDrawsMax; ++draw) {
    const Candidate& drawn = tier.candidates[random.below(count)];
    if (&drawn == one || !tier.usable(drawn)) {
      continue;
    }
    if (one == nullptr) {
      one = &drawn;
      continue;
    }
    return less_loaded(*one, drawn, random);
  }
  return one != nullptr ? one : least_connections(tier, random);
}

}  // namespace tandem::lb::balance
