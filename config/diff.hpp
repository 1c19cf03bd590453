#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace tandem::config {

/// Names of things of one kind that differ between two configurations. A changed one may say how, after its name:
/// "web (+127.0.0.1:81, -127.0.0.1:80)", "web/b (new address)".
struct Changes {
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::vector<std::string> changed;

  [[nodiscard]] bool empty() const { return added.empty() && removed.empty() && changed.empty(); }
  friend bool operator==(const Changes&, const Changes&) = default;
};

/// What a reload has to do, and what it cannot.
struct Diff {
  Changes listeners;
  Changes clusters;  // changed: its backends or its probe
  Changes backends;  // "CLUSTER/BACKEND", of clusters that stay
  Changes probes;    // by cluster, of clusters that stay
  Changes pools;
  Changes vrrp;  // instances
  std::vector<std::string>
      settings;  // of [node], [log], [admin] and [peer], taken over at once: "log.level: info -> debug"
  std::vector<std::string> needs_restart;  // these keep their old value until then: "node.workers: 2 -> 4"

  [[nodiscard]] bool empty() const;
  friend bool operator==(const Diff&, const Diff&) = default;
};

Diff diff(const Config& running, const Config& next);

/// For people, a line each: "listeners added: web, api", "node.workers: 2 -> 4 needs a restart". Empty: nothing
/// differs.
std::vector<std::string> described(const Diff& diff);

}  // namespace tandem::config
