#include "base/random.hpp"

#include <doctest/doctest.h>

#include <array>

namespace tandem {

TEST_SUITE("base/random") {
  TEST_CASE("the same seed gives the same numbers and another seed others") {
    Random first(7);
    Random again(7);
    Random other(8);

    const std::uint64_t number = first();

    CHECK(number == again());
    CHECK(number != other());
  }

  TEST_CASE("bounded numbers are spread evenly below the bound") {
    Random random(1);
    std::array<int, 10> seen{};

    for (int draw = 0; draw < 100'000; ++draw) {
      ++seen.at(random.below(10));
    }

    for (const int count : seen) {
      CHECK(count > 9'500);
      CHECK(count < 10'500);
    }
  }
}

}  // namespace tandem
