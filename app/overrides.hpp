#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"

namespace tandem::app {

/// An operator's word against a backend's traffic: who said it, when, why and until when.
struct Drain {
  std::string who;
  std::string reason;
  Instant said{};  // when it was said, here or at the other node
  WallTime since{};
  std::optional<Instant> ends;        // none: until taken back
  std::optional<WallTime> ends_wall;  // the same for people

  friend bool operator==(const Drain&, const Drain&) = default;
};

/// Backends that an operator drained, by cluster and name: the names survive a reload, and a backend that comes back
/// with its name is still drained. Pure. Control thread.
class Overrides {
 public:
  /// cluster, backend
  using Key = std::pair<std::string, std::string>;

  void drain(Key backend, Drain drain) { drains_.insert_or_assign(std::move(backend), std::move(drain)); }
  /// Whether there was one.
  bool take_back(const Key& backend) { return drains_.erase(backend) > 0; }

  [[nodiscard]] const Drain* find(const Key& backend) const {
    const auto found = drains_.find(backend);
    return found == drains_.end() ? nullptr : &found->second;
  }

  [[nodiscard]] const std::map<Key, Drain>& all() const { return drains_; }

  /// Forgets and returns those whose time is up.
  std::vector<Key> expire(Instant now) {
    std::vector<Key> out;
    for (auto drain = drains_.begin(); drain != drains_.end();) {
      if (drain->second.ends && *drain->second.ends <= now) {
        out.push_back(drain->first);
        drain = drains_.erase(drain);
      } else {
        ++drain;
      }
    }
    return out;
  }

  [[nodiscard]] std::optional<Instant> next_deadline() const {
    std::optional<Instant> next;
    for (const auto& [backend, drain] : drains_) {
      if (drain.ends && (!next || *drain.ends < *next)) {
        next = drain.ends;
      }
    }
    return next;
  }

 private:
  std::map<Key, Drain> drains_;
};

}  // namespace tandem::app
