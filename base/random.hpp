#pragma once

#include <array>
#include <cstdint>

namespace tandem {

/// SplitMix64's finaliser: spreads every bit of `value` over the result. A good hash of an integer.
constexpr std::uint64_t mix(std::uint64_t value) noexcept {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

/// xoshiro256++ (Blackman and Vigna, 2019): small, fast, seeded; not for secrets. A UniformRandomBitGenerator.
class Random {
 public:
  using result_type = std::uint64_t;

  constexpr explicit Random(std::uint64_t seed) noexcept {
    for (std::uint64_t& word : state_) {
      seed = mix(seed);
      word = seed;
    }
  }

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return ~result_type{0}; }

  constexpr result_type operator()() noexcept {
    const std::uint64_t result = rotate(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  /// 0 to bound-1, without a division (Lemire's multiply; its bias is below 2^-32 for our bounds). bound > 0.
  constexpr std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>((((*this)() >> 32U) * bound) >> 32U);
  }

  /// 0 <= x < 1.
  constexpr double fraction() noexcept { return static_cast<double>((*this)() >> 11U) * 0x1.0p-53; }

 private:
  static constexpr std::uint64_t rotate(std::uint64_t value, unsigned bits) noexcept {
    return (value << bits) | (value >> (64U - bits));
  }

  std::array<std::uint64_t, 4> state_{};
};

}  // namespace tandem
