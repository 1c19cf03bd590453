#pragma once

#include <chrono>
#include <optional>

#include "base/time.hpp"

namespace tandem::vrrp {

/// Tells a peer that has died from one that leaves: its link breaks without a goodbye, and whoever watches over it
/// sends its farewell. Such a peer holds nothing any more, so nobody has to wait for the skew. Pure.
class PeerLoss {
 public:
  /// An advert of priority 0 was heard. True: the peer is dead.
  [[nodiscard]] bool on_farewell(Instant now) {
    farewell_ = now;
    return lost_ && now - *lost_ <= std::chrono::seconds(1);
  }
  /// The link broke. True: the farewell that came just before was a dead peer's.
  [[nodiscard]] bool on_link_lost(Instant now) {
    lost_ = now;
    return farewell_ && now - *farewell_ <= std::chrono::milliseconds(50);
  }
  /// Somebody is active: what was heard before is over.
  void on_active_heard() { farewell_.reset(); }

 private:
  std::optional<Instant> farewell_;
  std::optional<Instant> lost_;
};

}  // namespace tandem::vrrp
