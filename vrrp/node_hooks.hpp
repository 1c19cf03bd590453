#pragma once

#include <functional>

#include "base/address.hpp"
#include "base/time.hpp"
#include "vrrp/event.hpp"
#include "vrrp/options.hpp"
#include "vrrp/tracking.hpp"
#include "vrrp/will.hpp"

namespace tandem::vrrp {

/// Which virtual router, for those who share its link.
struct RouterKey {
  IpAddress::Family family = IpAddress::Family::v4;
  VirtualRouterId id{1};

  friend bool operator==(const RouterKey&, const RouterKey&) = default;
};

/// What the node needs of its process. All are called on the vrrp thread; none may block or allocate. An empty one is
/// not called.
struct NodeHooks {
  std::function<ServiceState(Instant now)> service;  // asked every turn, at least every 50 ms
  std::function<void(const Event&)> on_event;
  std::function<void(const RouterKey&)> on_leaving;  // says over the peer link: take it
  std::function<void(const RouterKey&)> on_active;   // says over the peer link: I have it
  std::function<void(const Will&)> deposit;          // what to do for us when we die; called when it changes
  std::function<void(Instant now)> beat;             // every turn, at least every 50 ms
};

}  // namespace tandem::vrrp
