#include "app/node_control.hpp"

#include "base/text.hpp"
#include "config/reader.hpp"

namespace tandem::app {

namespace {

constexpr Duration kWorkerSilenceMax = std::chrono::seconds(5);  // workers turn every 200 ms at the least

Instant now_instant() { return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now()); }
WallTime now_wall() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

/// Asking for a backend that is not there is 404, everything else a conflict with how things are.
admin::Answer answer(const Result<void>& result, const Controller& controller, const admin::BackendOrder& order,
                     std::string done) {
  if (result) {
    return admin::Answer::done({std::move(done)});
  }
  const bool known = controller.pools().find_backend(order.cluster, order.backend).has_value();
  return admin::Answer::refused(known ? admin::Outcome::conflict : admin::Outcome::not_found, result.error().text);
}

}  // namespace

admin::View NodeControl::view() const {
  admin::View view = make_view(controller_, node_, config_, now_wall());
  const admin::Readiness readiness = this->readiness();
  view.node.ready = readiness.ready;
  view.node.reasons = readiness.reasons;
  view.vrrp = pair_.routers(view.at);
  view.peer = pair_.peer();
  return view;
}

metrics::Collection NodeControl::collect() const {
  metrics::Collection out = collect_metrics(controller_, plane_, config_);
  pair_.collect(out);
  out.add(metrics::Metric::mailbox_overflows_total, {"log"}, static_cast<double>(log_dropped_()));
  return out;
}

admin::Readiness NodeControl::health() const {
  const Instant now = now_instant();
  std::vector<std::string> reasons;
  for (std::size_t worker = 0; worker < plane_.worker_stats().size(); ++worker) {
    if (const Duration silence = now - plane_.heartbeat(worker); silence > kWorkerSilenceMax) {
      reasons.push_back(concat("worker/", worker, " has not turned for ", rounded(silence)));
    }
  }
  return {reasons.empty(), reasons};
}

admin::Readiness NodeControl::readiness() const {
  std::vector<std::string> reasons;
  if (stopping_) {
    reasons.emplace_back("stopping");
  } else if (controller_.listeners().empty()) {
    reasons.emplace_back("no listener is bound");
  }
  const std::vector<std::string> unknown = controller_.unknown_backends();
  if (unknown.size() > 5) {
    reasons.push_back(concat("no verdict yet on ", unknown.size(), " backends, ", unknown.front(), " among them"));
  } else if (!unknown.empty()) {
    reasons.push_back(concat("no verdict yet on ", join(unknown)));
  }
  return {reasons.empty(), reasons};
}

admin::Answer NodeControl::drain(const admin::BackendOrder& order) {
  Drain drain;
  drain.who = order.who;
  drain.reason = order.reason;
  const std::string name = concat(order.cluster, "/", order.backend);
  return answer(controller_.drain(order.cluster, order.backend, std::move(drain), order.lasts), controller_, order,
                order.lasts ? concat(name, " takes no new sessions for ", to_string(*order.lasts))
                            : concat(name, " takes no new sessions until it is made ready"));
}

admin::Answer NodeControl::ready(const admin::BackendOrder& order) {
  return answer(controller_.ready(order.cluster, order.backend, order.who), controller_, order,
                concat(order.cluster, "/", order.backend, " takes new sessions when it is well"));
}

admin::Answer NodeControl::promote(const admin::BackendOrder& order) {
  const Result<void> promoted = controller_.promote(order.cluster, order.backend, order.who);
  if (promoted) {
    pair_.tell_promoted(order.cluster, order.backend, order.who);
  }
  return answer(promoted, controller_, order,
                concat(order.cluster, "/", order.backend, " takes the writes until the conflict ends"));
}

admin::Answer NodeControl::handover(const std::string& instance, const std::string& who) {
  Result<std::string> done = pair_.hand_over(instance, who);
  if (!done) {
    return admin::Answer::refused(pair_.knows(instance) ? admin::Outcome::conflict : admin::Outcome::not_found,
                                  done.error().text);
  }
  return admin::Answer::done({std::move(*done)});
}

void NodeControl::reload(const std::string& who, std::function<void(admin::Answer)> done) { done(reload_now(who)); }

admin::Answer NodeControl::reload_now(const std::string& who) {
  const auto started = std::chrono::steady_clock::now();
  config_.last_reload_at = now_wall();
  const auto fail = [&](std::vector<std::string> lines) {
    config_.last_reload_successful = false;
    config_.error = join(lines, "\n");
    controller_.record_event(LogLevel::error, "reload_failed",
                             {{"who", who}, {"file", config_.file}, {"problems", join(lines, "; ")}});
    lines.emplace_back("nothing has changed");
    admin::Answer refused;
    refused.outcome = admin::Outcome::conflict;
    refused.lines = std::move(lines);
    return refused;
  };

  if (stopping_) {
    return fail({"the node is stopping"});
  }
  const config::Reading reading = config::read_file(config_.file);
  std::vector<std::string> lines;
  for (const config::Problem& problem : reading.problems) {
    lines.push_back(config::to_string(problem, config_.file));
  }
  if (!reading.config) {
    return fail(std::move(lines));
  }
  const auto applied = apply_(*reading.config);
  if (!applied) {
    return fail({applied.error().text});
  }
  config_.last_reload_successful = true;
  config_.last_success_at = config_.last_reload_at;
  config_.error.clear();
  lines.insert(lines.end(), applied->begin(), applied->end());
  const Duration took = std::chrono::steady_clock::now() - started;
  controller_.record_event(
      LogLevel::info, "reload",
      {{"who", who}, {"file", config_.file}, {"changes", join(lines, "; ")}, {"took", rounded(took)}});
  lines.push_back(concat("reloaded in ", rounded(took)));
  return admin::Answer::done(std::move(lines));
}

}  // namespace tandem::app
