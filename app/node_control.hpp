#pragma once

#include <functional>
#include <string>
#include <vector>

#include "admin/control.hpp"
#include "app/controller.hpp"
#include "app/pair.hpp"
#include "app/status.hpp"
#include "lb/forward_plane.hpp"

namespace tandem::app {

/// The running node behind the admin API. Control thread.
class NodeControl : public admin::Control {
 public:
  /// `apply` takes a valid configuration over and says what happened or why not.
  using Apply = std::function<Result<std::vector<std::string>>(const config::Config& next)>;
  /// How many log lines were lost.
  using LogDropped = std::function<std::size_t()>;

  NodeControl(Controller& controller, Pair& pair, lb::ForwardPlane& plane, NodeStatus node, ConfigStatus config,
              LogDropped log_dropped, Apply apply)
      : controller_(controller),
        pair_(pair),
        plane_(plane),
        node_(std::move(node)),
        config_(std::move(config)),
        log_dropped_(std::move(log_dropped)),
        apply_(std::move(apply)) {}

  [[nodiscard]] std::string node_name() const override { return node_.name; }
  [[nodiscard]] admin::View view() const override;
  [[nodiscard]] metrics::Collection collect() const override;
  [[nodiscard]] admin::EventLog& events() override { return controller_.events(); }
  [[nodiscard]] admin::Readiness health() const override;
  [[nodiscard]] admin::Readiness readiness() const override;
  admin::Answer drain(const admin::BackendOrder& order) override;
  admin::Answer ready(const admin::BackendOrder& order) override;
  admin::Answer promote(const admin::BackendOrder& order) override;
  admin::Answer handover(const std::string& instance, const std::string& who) override;
  void reload(const std::string& who, std::function<void(admin::Answer)> done) override;

  /// Reads the file again and takes it over if it is valid; says what happened. A broken file changes nothing.
  admin::Answer reload_now(const std::string& who);
  /// Not ready any more: the node is leaving.
  void on_stopping() { stopping_ = true; }

 private:
  Controller& controller_;
  Pair& pair_;
  lb::ForwardPlane& plane_;
  NodeStatus node_;
  ConfigStatus config_;
  LogDropped log_dropped_;
  Apply apply_;
  bool stopping_ = false;
};

}  // namespace tandem::app
