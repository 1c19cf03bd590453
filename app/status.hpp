#pragma once

#include <optional>
#include <string>

#include "admin/view.hpp"
#include "app/controller.hpp"
#include "base/time.hpp"
#include "lb/forward_plane.hpp"
#include "metrics/collection.hpp"

namespace tandem::app {

/// What became of the configuration file.
struct ConfigStatus {
  std::string file;
  bool last_reload_successful = true;
  WallTime last_reload_at{};
  WallTime last_success_at{};
  std::string error;
};

/// The node's part of the view.
struct NodeStatus {
  std::string name;
  WallTime started{};
  std::uint32_t workers = 0;
};

/// Renders the controller's state for people. Control thread.
admin::View make_view(const Controller& controller, const NodeStatus& node, const ConfigStatus& config, WallTime now);

/// The same as metrics. Control thread; reads the workers' and the health thread's counters.
metrics::Collection collect_metrics(const Controller& controller, const lb::ForwardPlane& plane,
                                    const ConfigStatus& config);

}  // namespace tandem::app
