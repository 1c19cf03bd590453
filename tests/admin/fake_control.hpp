#pragma once

#include <functional>
#include <string>
#include <vector>

#include "admin/control.hpp"
#include "base/text.hpp"
#include "tests/admin/sample_view.hpp"

namespace tandem::admin {

/// Remembers orders and answers what it is told to. Knows the backends of sample_view().
class FakeControl : public Control {
 public:
  [[nodiscard]] std::string node_name() const override { return "lb-a"; }
  [[nodiscard]] View view() const override { return shown; }
  [[nodiscard]] metrics::Collection collect() const override {
    metrics::Collection collection;
    collection.add(metrics::Metric::build_info, {"0.1.0", "abc1234"}, 1);
    collection.add(metrics::Metric::pool_connections_total, {"orders-write"}, 7);
    return collection;
  }
  [[nodiscard]] EventLog& events() override { return log; }
  [[nodiscard]] Readiness health() const override { return healthy; }
  [[nodiscard]] Readiness readiness() const override { return readiness_now; }

  Answer drain(const BackendOrder& order) override { return take("drain", order); }
  Answer ready(const BackendOrder& order) override { return take("ready", order); }
  Answer promote(const BackendOrder& order) override {
    if (order.backend != "pg-0") {
      return Answer::refused(Outcome::conflict, order.backend + " does not say that it is a primary");
    }
    return take("promote", order);
  }
  Answer handover(const std::string& instance, const std::string& who) override {
    handed_over.push_back(concat(instance, " by ", who));
    return handover_answer;
  }
  void reload(const std::string& who, std::function<void(Answer)> done) override {
    reloaded_by = who;
    if (hold_reload) {
      held_reload = std::move(done);
      return;
    }
    done(reload_answer);
  }

  View shown = sample_view();
  EventLog log{100};
  Readiness healthy;
  Readiness readiness_now;
  std::vector<std::string> orders;  // "drain orders/pg-1 by alice: reason"
  std::optional<Duration> last_lasts;
  std::vector<std::string> handed_over;  // "front by alice"
  Answer handover_answer = Answer::done({"front: handed over"});
  std::string reloaded_by;
  Answer reload_answer = Answer::done({"pool web: max_connections 10 is now 20"});
  bool hold_reload = false;
  std::function<void(Answer)> held_reload;

 private:
  Answer take(const std::string& what, const BackendOrder& order) {
    if (order.cluster != "orders" || !order.backend.starts_with("pg-")) {
      return Answer::refused(Outcome::not_found, "there is no backend " + order.cluster + "/" + order.backend);
    }
    orders.push_back(what + " " + order.cluster + "/" + order.backend + " by " + order.who + ": " + order.reason);
    last_lasts = order.lasts;
    return Answer::done({order.cluster + "/" + order.backend + ": " + what});
  }
};

}  // namespace tandem::admin
