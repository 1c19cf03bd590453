#pragma once

#include "base/address.hpp"
#include "base/time.hpp"
#include "vrrp/options.hpp"

namespace tandem::vrrp {

/// What the state machine needs of a received advert that passed every check.
struct Advert {
  Priority priority{100};
  Duration interval = 1s;  // what the sender advertises
  IpAddress source;

  friend bool operator==(const Advert&, const Advert&) = default;
};

}  // namespace tandem::vrrp
