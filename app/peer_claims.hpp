#pragma once

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "peer/message.hpp"

namespace tandem::app {

/// Which virtual routers the other node says, over the link, that it has: where adverts do not come through, nothing
/// else tells that both have one. Pure.
class PeerClaims {
 public:
  void on_active(const peer::Router& router, Instant now) {
    on_leaving(router);
    claims_.emplace_back(router, now);
  }
  void on_leaving(const peer::Router& router) {
    std::erase_if(claims_, [&](const auto& claim) { return claim.first == router; });
  }
  /// The link is gone, and what was said over it counts no more.
  void clear() { claims_.clear(); }

  /// Whether both have had it for longer than a change takes; `ours_since`: when this node became active.
  [[nodiscard]] bool contests(const peer::Router& router, Instant ours_since, Instant now) const {
    return std::any_of(claims_.begin(), claims_.end(), [&](const auto& claim) {
      return claim.first == router && now - std::max(claim.second, ours_since) > kChange;
    });
  }

 private:
  // Longer than the link's silence until it counts as lost: the last word of a dead node is none.
  static constexpr Duration kChange = std::chrono::seconds(3);

  std::vector<std::pair<peer::Router, Instant>> claims_;
};

}  // namespace tandem::app
