#pragma once

#include "base/time.hpp"

namespace tandem::vrrp {

/// The time of one turn, by both clocks: the day's is what signatures are made with.
struct Moment {
  Instant now;
  WallTime wall;
};

}  // namespace tandem::vrrp
