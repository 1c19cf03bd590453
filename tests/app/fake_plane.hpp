#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "lb/forward_plane.hpp"

namespace tandem::app {

/// A plane that carries nothing and remembers what it was told.
class FakePlane final : public lb::ForwardPlane {
 public:
  Result<> open(const lb::ListenerSpec& spec) override {
    const std::string address = to_string(spec.options->bind.at(0));
    if (address == cannot_listen_on) {
      return Error{
          concat("listener \"", spec.options->name, "\": cannot listen on ", address, ": Address already in use")};
    }
    told.push_back(concat("open ", address));
    listeners[spec.id] = spec;
    return {};
  }
  void update(const lb::ListenerSpec& spec) override {
    told.push_back(concat("update ", to_string(spec.options->bind.at(0))));
    listeners[spec.id] = spec;
  }
  void close(ListenerId listener) override {
    told.push_back(concat("close ", to_string(listeners.at(listener).options->bind.at(0))));
    listeners.erase(listener);
  }
  void publish(std::shared_ptr<const lb::Snapshot> next, std::vector<lb::Sever> orders,
               std::function<void()> applied) override {
    snapshot = std::move(next);
    severs.insert(severs.end(), orders.begin(), orders.end());
    applied();
  }
  [[nodiscard]] std::uint64_t sessions(BackendId) const override { return 0; }
  [[nodiscard]] const metrics::PerWorker<lb::WorkerStats>& worker_stats() const override { return stats; }
  [[nodiscard]] Instant heartbeat(std::size_t) const override { return {}; }

  /// "web: web-1 web-2" for each pool of the snapshot, by name.
  [[nodiscard]] std::map<std::string, std::string> candidates() const {
    std::map<std::string, std::string> out;
    for (const auto& [id, pool] : snapshot->pools) {
      std::string& names = out[pool->options->name];
      for (const lb::Candidate& candidate : pool->candidates) {
        names += concat(names.empty() ? "" : " ", candidate.backend->name);
      }
    }
    return out;
  }

  std::string cannot_listen_on;
  std::vector<std::string> told;
  std::map<ListenerId, lb::ListenerSpec> listeners;
  std::shared_ptr<const lb::Snapshot> snapshot;
  std::vector<lb::Sever> severs;
  metrics::PerWorker<lb::WorkerStats> stats{1};
};

}  // namespace tandem::app
