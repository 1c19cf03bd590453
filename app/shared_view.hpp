#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/controller.hpp"
#include "base/time.hpp"
#include "peer/message.hpp"

namespace tandem::app {

/// What this node tells the other one about backends and operators' words, and what it makes of the other's. A hint
/// counts for a backend that no probe of ours has answered for yet; an operator's word counts on both nodes. Control
/// thread.
class SharedView {
 public:
  explicit SharedView(Controller& controller) : controller_(controller) {}

  /// All that this node knows.
  [[nodiscard]] peer::View whole(Instant now) const;
  /// What has changed since the last call.
  [[nodiscard]] peer::View changes(Instant now);

  /// What the other node knows.
  void on_view(const peer::View& view, const std::string& peer, Instant now);

 private:
  using Key = std::pair<std::string, std::string>;  // cluster, backend

  void on_backends(const std::vector<peer::BackendHint>& hints, const std::string& peer, Instant now);
  void on_override(const peer::OverrideHint& hint, const std::string& peer, Instant now);

  Controller& controller_;
  std::map<Key, peer::BackendHint> told_backends_;  // without their ages
  std::map<Key, peer::OverrideHint> told_overrides_;
  std::map<Key, Instant> taken_back_;  // since when a backend is not drained any more; wins over older words
};

}  // namespace tandem::app
