#pragma once

#include <doctest/doctest.h>

#include <cstdint>

#include "tests/vrrp/stringify.hpp"
#include "tests/vrrp/support.hpp"
#include "vrrp/state_machine.hpp"

namespace tandem::vrrp {

inline const IpAddress kSelf = ip("10.77.0.5");
inline const IpAddress kLowerPeer = ip("10.77.0.4");
inline const IpAddress kHigherPeer = ip("10.77.0.6");

inline Options options(int priority = 100, Duration interval = 1s, Preempt preempt = Preempt::yes) {
  Options result;
  result.priority = Priority{static_cast<std::uint8_t>(priority)};
  result.interval = interval;
  result.preempt = preempt;
  return result;
}

inline Advert advert(int priority, Duration interval = 1s, const IpAddress& source = kLowerPeer) {
  return {Priority{static_cast<std::uint8_t>(priority)}, interval, source};
}

/// Started at `start`, and still backup.
inline StateMachine backup(const Options& with) {
  StateMachine node(with, kSelf);
  REQUIRE(node.on_start(start) == Actions{});
  REQUIRE(node.state() == State::backup);
  return node;
}

/// Active since `start`.
inline StateMachine active(const Options& with) {
  StateMachine node(with, kSelf);
  const Instant before = start - node.active_down_interval();
  REQUIRE(node.on_start(before) == Actions{});
  REQUIRE(node.on_deadline(start).size() == 3);
  REQUIRE(node.state() == State::active);
  return node;
}

inline const Actions kNothing;

}  // namespace tandem::vrrp
