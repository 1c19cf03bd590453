#include "app/status.hpp"

#include <map>
#include <numeric>

#include "app/version.hpp"
#include "base/text.hpp"

namespace tandem::app {

namespace {

std::string_view to_string(lb::PoolRole role) {
  switch (role) {
    case lb::PoolRole::primary: return "primary";
    case lb::PoolRole::replica: return "replica";
    case lb::PoolRole::any: break;
  }
  return "any";
}

std::string_view to_string(lb::Balance balance) {
  switch (balance) {
    case lb::Balance::round_robin: return "round_robin";
    case lb::Balance::power_of_two: return "power_of_two";
    case lb::Balance::maglev: return "maglev";
    case lb::Balance::first: return "first";
    case lb::Balance::least_connections: break;
  }
  return "least_connections";
}

std::string_view probe_name(const healthcheck::ProbeOptions& probe) {
  struct Name {
    std::string_view operator()(const healthcheck::TcpProbeOptions&) const { return "tcp"; }
    std::string_view operator()(const healthcheck::HttpProbeOptions&) const { return "http"; }
    std::string_view operator()(const healthcheck::PatroniProbeOptions&) const { return "patroni"; }
    std::string_view operator()(const healthcheck::ExecProbeOptions&) const { return "exec"; }
  };
  return std::visit(Name{}, probe.kind);
}

template <class Counters>
std::uint64_t total(const Counters& counters) {
  return std::accumulate(counters.begin(), counters.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const metrics::Counter& one) { return sum + one.value(); });
}

admin::ListenerView view_listener(const lb::ListenerOptions& options, const lb::ListenerState* state) {
  admin::ListenerView view;
  view.name = options.name;
  for (const Endpoint& address : options.bind) {
    view.binds.push_back(tandem::to_string(address));
  }
  view.pool = options.pool;
  view.max_connections = options.max_connections;
  if (state != nullptr) {
    view.active = state->active.load(std::memory_order_relaxed);  // relaxed: a figure to show
    view.total = state->stats.sum([](const lb::ListenerStats& one) { return one.connections.value(); });
    view.rejected = state->stats.sum([](const lb::ListenerStats& one) { return total(one.rejected); });
    view.bytes_received = state->stats.sum([](const lb::ListenerStats& one) { return one.bytes_received.value(); });
    view.bytes_sent = state->stats.sum([](const lb::ListenerStats& one) { return one.bytes_sent.value(); });
  }
  return view;
}

admin::PoolView view_pool(const lb::PoolStatus& status) {
  const lb::PoolView& pool = *status.view;
  admin::PoolView view;
  view.name = pool.options->name;
  view.cluster = pool.options->cluster;
  view.role = to_string(pool.options->role);
  view.balance = to_string(pool.options->balance);
  view.generation = pool.generation;
  for (const lb::Candidate& candidate : pool.candidates) {
    view.eligible.push_back(candidate.backend->name);
  }
  view.active = pool.state->active.load(std::memory_order_relaxed);  // relaxed, here and below: figures to show
  view.total = pool.state->stats.sum([](const lb::PoolStats& one) { return one.connections.value(); });
  view.held = pool.state->held.load(std::memory_order_relaxed);
  view.queued = pool.state->queued.load(std::memory_order_relaxed);
  view.fallback = pool.options->fallback;
  view.fallback_active = status.fallback_active;
  view.fail_open = pool.fail_open;
  if (pool.options->role == lb::PoolRole::primary && !view.eligible.empty()) {
    view.primary = view.eligible.front();
  }
  return view;
}

admin::BackendView view_backend(const lb::BackendStatus& status, const Controller& controller) {
  const lb::Backend& backend = *status.backend;
  admin::BackendView view;
  view.name = backend.name;
  view.address = tandem::to_string(backend.address);
  view.zone = status.options.zone;
  view.weight = status.options.weight;
  view.tier = status.options.tier;
  view.max_connections = status.options.max_connections;
  view.known = status.standing.known;
  view.up = status.standing.up;
  view.role = status.standing.role;
  view.epoch = status.standing.epoch;
  view.lag_bytes = status.standing.lag_bytes;
  view.lag_time = status.standing.lag_time;
  view.takes_reads = status.standing.takes_reads;
  view.reason = status.standing.reason;
  if (const BackendRecord* record = controller.find_record(status.id); record != nullptr && record->reported) {
    view.since = record->since_wall;
    view.probe_duration = record->probe_duration;
  }
  if (const Drain* drain = controller.overrides().find({backend.cluster, backend.name})) {
    view.override_state = admin::OverrideView{"drain", drain->who, drain->since, drain->ends_wall, drain->reason};
  }
  view.sessions = controller.sessions(status.id);
  view.total = backend.stats.sum([](const lb::BackendStats& one) { return one.connections.value(); });
  view.connect_failures = backend.stats.sum([](const lb::BackendStats& one) { return total(one.connect_failures); });
  return view;
}

void collect_listener(metrics::Collection& out, const std::string& name, const lb::ListenerState& state) {
  using metrics::Metric;
  const auto sum = [&](auto get) { return static_cast<double>(state.stats.sum(get)); };
  out.add(Metric::listener_connections_total, {name},
          sum([](const lb::ListenerStats& one) { return one.connections.value(); }));
  out.add(Metric::listener_connections_active, {name}, state.active.load(std::memory_order_relaxed));
  for (std::size_t reason = 0; reason < lb::kRejectionNames.size(); ++reason) {
    out.add(Metric::listener_rejected_total, {name, lb::kRejectionNames[reason]},
            sum([reason](const lb::ListenerStats& one) { return one.rejected[reason].value(); }));
  }
  out.add(Metric::bytes_total, {name, "received"},
          sum([](const lb::ListenerStats& one) { return one.bytes_received.value(); }));
  out.add(Metric::bytes_total, {name, "sent"},
          sum([](const lb::ListenerStats& one) { return one.bytes_sent.value(); }));
}

void collect_pool(metrics::Collection& out, const lb::PoolStatus& status) {
  using metrics::Metric;
  const std::string& name = status.view->options->name;
  const lb::PoolState& state = *status.view->state;
  out.add(Metric::pool_connections_total, {name},
          static_cast<double>(state.stats.sum([](const lb::PoolStats& one) { return one.connections.value(); })));
  out.add(Metric::pool_backends_eligible, {name}, static_cast<double>(status.view->candidates.size()));
  out.add(Metric::pool_held, {name}, state.held.load(std::memory_order_relaxed));
  out.add(Metric::pool_queued, {name}, state.queued.load(std::memory_order_relaxed));
  out.add(Metric::pool_fallback_active, {name}, status.fallback_active ? 1 : 0);
  out.add(Metric::pool_fail_open, {name}, status.view->fail_open ? 1 : 0);
  metrics::HistogramValue connects;
  metrics::HistogramValue sessions;
  for (std::size_t worker = 0; worker < state.stats.size(); ++worker) {
    connects += state.stats[worker].connect_duration.value();
    sessions += state.stats[worker].session_duration.value();
  }
  out.add(Metric::backend_connect_duration_seconds, {name}, std::move(connects));
  out.add(Metric::session_duration_seconds, {name}, std::move(sessions));
  for (std::size_t cause = 0; cause < lb::kCauseNames.size(); ++cause) {
    out.add(
        Metric::sessions_closed_total, {name, lb::kCauseNames[cause]},
        static_cast<double>(state.stats.sum([cause](const lb::PoolStats& one) { return one.closed[cause].value(); })));
  }
}

void collect_backend(metrics::Collection& out, const lb::BackendStatus& status, const Controller& controller) {
  using metrics::Metric;
  static constexpr std::array<std::string_view, 3> roles{"none", "primary", "replica"};
  static constexpr std::array<std::string_view, 2> admin_states{"ready", "drain"};
  const lb::Backend& backend = *status.backend;
  const std::string& cluster = backend.cluster;
  const std::string& name = backend.name;
  out.add(Metric::backend_connections_active, {cluster, name}, static_cast<double>(controller.sessions(status.id)));
  out.add(Metric::backend_connections_total, {cluster, name},
          static_cast<double>(backend.stats.sum([](const lb::BackendStats& one) { return one.connections.value(); })));
  for (std::size_t reason = 0; reason < lb::kConnectFailureNames.size(); ++reason) {
    out.add(Metric::backend_connect_failures_total, {cluster, name, lb::kConnectFailureNames[reason]},
            static_cast<double>(backend.stats.sum(
                [reason](const lb::BackendStats& one) { return one.connect_failures[reason].value(); })));
  }
  const lb::Standing& standing = status.standing;
  out.add(Metric::backend_up, {cluster, name}, standing.up ? 1 : 0);
  out.add_state(Metric::backend_role, {cluster, name}, roles, tandem::to_string(standing.role));
  if (standing.lag_bytes) {
    out.add(Metric::backend_lag_bytes, {cluster, name}, static_cast<double>(*standing.lag_bytes));
  }
  if (standing.lag_time) {
    out.add(Metric::backend_lag_seconds, {cluster, name}, std::chrono::duration<double>(*standing.lag_time).count());
  }
  if (standing.epoch) {
    out.add(Metric::backend_epoch, {cluster, name}, static_cast<double>(*standing.epoch));
  }
  out.add_state(Metric::backend_admin_state, {cluster, name}, admin_states,
                status.admin_state == lb::AdminState::drain ? "drain" : "ready");
}

void collect_cluster(metrics::Collection& out, const lb::ClusterStatus& status, const Controller& controller) {
  using metrics::Metric;
  const std::string& name = status.name;
  out.add(Metric::cluster_primary_conflict, {name}, status.conflict.size() > 1 ? 1 : 0);
  out.add(Metric::cluster_primary_changes_total, {name}, static_cast<double>(status.primary_changes));
  if (const healthcheck::ProbeStats* stats = controller.probe_stats(status.id)) {
    out.add(Metric::probes_total, {name, "success"}, static_cast<double>(stats->succeeded.value()));
    out.add(Metric::probes_total, {name, "failure"}, static_cast<double>(stats->failed.value()));
    out.add(Metric::probes_late_total, {name}, static_cast<double>(stats->late.value()));
    out.add(Metric::probe_duration_seconds, {name}, stats->duration.value());
  }
}

}  // namespace

admin::View make_view(const Controller& controller, const NodeStatus& node, const ConfigStatus& config, WallTime now) {
  const config::Config& running = controller.running();
  admin::View view;
  view.at = now;
  view.node.name = node.name;
  view.node.version = version();
  view.node.revision = revision();
  view.node.uptime = now - node.started;
  view.node.workers = node.workers;
  view.config = {config.file, config.last_reload_successful, config.last_reload_at, config.last_success_at,
                 config.error};
  for (const lb::ListenerOptions& listener : running.listeners) {
    view.listeners.push_back(view_listener(listener, controller.listeners().find(listener.name)));
  }
  for (const std::string& name : controller.listeners().draining(running.listeners)) {
    lb::ListenerOptions options;
    options.name = name;
    view.listeners.push_back(view_listener(options, controller.listeners().find(name)));
    view.listeners.back().draining = true;
  }
  for (const lb::PoolStatus& pool : controller.pools().pools()) {
    view.pools.push_back(view_pool(pool));
  }
  std::map<ClusterId, std::size_t> places;
  std::map<BackendId, std::string> names;
  const std::vector<lb::BackendStatus> backends = controller.pools().backends();
  for (const lb::BackendStatus& backend : backends) {
    names[backend.id] = backend.backend->name;
  }
  for (const lb::ClusterStatus& status : controller.pools().clusters()) {
    admin::ClusterView cluster;
    cluster.name = status.name;
    cluster.primary = status.primary ? names[*status.primary] : "";
    for (const BackendId member : status.conflict) {
      cluster.conflict.push_back(names[member]);
    }
    cluster.conflict_reason = status.conflict_reason;
    cluster.primary_changes = status.primary_changes;
    cluster.probed = false;
    for (const config::Cluster& known : running.clusters) {
      if (known.options.name == status.name && known.probe) {
        cluster.probed = true;
        cluster.probe = probe_name(*known.probe);
      }
    }
    places[status.id] = view.clusters.size();
    view.clusters.push_back(std::move(cluster));
  }
  for (const lb::BackendStatus& backend : backends) {
    view.clusters.at(places.at(backend.cluster)).backends.push_back(view_backend(backend, controller));
  }
  return view;
}

metrics::Collection collect_metrics(const Controller& controller, const lb::ForwardPlane& plane,
                                    const ConfigStatus& config) {
  using metrics::Metric;
  metrics::Collection out;
  out.add(Metric::build_info, {version(), revision()}, 1);
  out.add(Metric::config_last_reload_successful, {}, config.last_reload_successful ? 1 : 0);
  out.add(Metric::config_last_reload_success_timestamp_seconds, {},
          std::chrono::duration<double>(config.last_success_at.time_since_epoch()).count());
  for (const lb::ListenerOptions& listener : controller.running().listeners) {
    if (const lb::ListenerState* state = controller.listeners().find(listener.name)) {
      collect_listener(out, listener.name, *state);
    }
  }
  for (const std::string& name : controller.listeners().draining(controller.running().listeners)) {
    collect_listener(out, name, *controller.listeners().find(name));
  }
  for (const lb::PoolStatus& pool : controller.pools().pools()) {
    collect_pool(out, pool);
  }
  for (const lb::BackendStatus& backend : controller.pools().backends()) {
    collect_backend(out, backend, controller);
  }
  for (const lb::ClusterStatus& cluster : controller.pools().clusters()) {
    collect_cluster(out, cluster, controller);
  }
  const metrics::PerWorker<lb::WorkerStats>& workers = plane.worker_stats();
  for (std::size_t worker = 0; worker < workers.size(); ++worker) {
    const std::string number = std::to_string(worker);
    out.add(Metric::worker_loop_duration_seconds, {number}, workers[worker].loop_duration.value());
    out.add(Metric::worker_sessions, {number}, static_cast<double>(workers[worker].sessions.value()));
    out.add(Metric::mailbox_overflows_total, {concat("worker/", number)},
            static_cast<double>(workers[worker].mailbox_overflows.value()));
  }
  out.add(Metric::mailbox_overflows_total, {"control"}, static_cast<double>(controller.inbox_overflows()));
  return out;
}

}  // namespace tandem::app
