#include "app/controller.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <set>
#include <utility>

#include "app/changeover.hpp"
#include "base/check.hpp"
#include "base/text.hpp"

namespace tandem::app {

namespace {

constexpr std::size_t kInboxLimit = 65'536;

Instant now_instant() { return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now()); }
WallTime now_wall() { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); }

std::string describe_state(bool up, Role role) {
  if (!up) {
    return "down";
  }
  return role == Role::none ? "up" : concat("up ", to_string(role));
}

/// What the pools hear of a report.
lb::Standing make_standing(const healthcheck::Report& report) {
  const healthcheck::Verdict& verdict = report.standing;
  lb::Standing standing;
  standing.known = true;
  standing.up = report.up;
  standing.role = verdict.role;
  standing.epoch = verdict.epoch;
  standing.lag_bytes = verdict.lag_bytes;
  standing.lag_time = verdict.lag_time;
  standing.takes_reads = verdict.takes_reads;
  standing.reason = verdict.reason;
  return standing;
}

}  // namespace

Controller::Controller(boost::asio::io_context& context, lb::ForwardPlane& plane, std::size_t workers,
                       std::uint64_t seed, Log log)
    : context_(context),
      plane_(plane),
      log_(std::move(log)),
      pools_(workers),
      listeners_(plane, workers),
      timer_(context),
      reports_(context, kInboxLimit, [this](const std::vector<healthcheck::Report>& reports) { on_reports(reports); }),
      failures_(context, kInboxLimit,
                [this](const std::vector<lb::ConnectFailed>& failures) { on_connect_failures(failures); }),
      health_(seed, log_, [this](const healthcheck::Report& report) { reports_.send(report); }) {}

Result<> Controller::apply(const config::Config& next) {
  const Instant now = now_instant();
  const std::vector<lb::BackendStatus> backends_before = pools_.backends();
  const std::vector<lb::PoolStatus> pools_before = pools_.pools();
  const auto find_pool = [this](const std::string& name) {
    const auto pool = pools_.find_pool(name);
    check(pool.has_value(), "a listener's pool is configured before the listener");
    return *pool;
  };

  configure(old_and_new_clusters(config_, next), old_and_new_pools(config_, next), now);
  carry_out();
  if (const Result<void> opened = listeners_.open_new(next.listeners, virtual_addresses(next), find_pool); !opened) {
    configure(config_.clusters, config_.pools, now);
    carry_out();
    return opened.error();
  }
  const std::vector<ListenerId> closed = listeners_.settle(next.listeners, find_pool);
  configure(next.clusters, next.pools, now);
  restore_overrides(now);

  set_targets(next.clusters);
  config_ = next;
  say_farewell(backends_before, pools_before, closed, next.node.drain_timeout, now);
  carry_out();
  return {};
}

void Controller::configure(const std::vector<config::Cluster>& clusters, const std::vector<lb::PoolOptions>& pools,
                           Instant now) {
  std::vector<lb::ClusterOptions> options;
  options.reserve(clusters.size());
  for (const config::Cluster& cluster : clusters) {
    options.push_back(cluster.options);
    options.back().probed = cluster.probe.has_value();
  }
  take_up(pools_.configure(options, pools, now));
}

void Controller::set_targets(const std::vector<config::Cluster>& clusters) {
  std::map<std::string, std::shared_ptr<const healthcheck::ProbeOptions>> probes;
  for (const config::Cluster& cluster : clusters) {
    if (cluster.probe) {
      const auto before = probes_.find(cluster.options.name);
      probes[cluster.options.name] = before != probes_.end() && *before->second == *cluster.probe
                                         ? before->second
                                         : std::make_shared<const healthcheck::ProbeOptions>(*cluster.probe);
    }
  }
  probes_ = std::move(probes);

  std::vector<healthcheck::Target> targets;
  std::unordered_map<BackendId, BackendRecord> records;
  std::vector<ClusterId> probed;
  for (const lb::ClusterStatus& cluster : pools_.clusters()) {
    if (probes_.contains(cluster.name)) {
      probed.push_back(cluster.id);
    }
  }
  for (const lb::BackendStatus& backend : pools_.backends()) {
    const auto record = records_.find(backend.id);
    if (record != records_.end()) {
      records.insert(records_.extract(record));
    }
    if (const auto probe = probes_.find(backend.backend->cluster); probe != probes_.end()) {
      targets.push_back({backend.id, backend.cluster, backend.backend->cluster, backend.backend->name,
                         backend.backend->address, probe->second});
    }
  }
  records_ = std::move(records);
  health_.set_targets(std::move(targets));
  const auto stats = health_.stats(probed);
  probe_stats_.clear();
  for (std::size_t index = 0; index < probed.size(); ++index) {
    probe_stats_[probed[index]] = stats[index];
  }
}

void Controller::say_farewell(const std::vector<lb::BackendStatus>& backends_before,
                              const std::vector<lb::PoolStatus>& pools_before, const std::vector<ListenerId>& closed,
                              Duration drain_timeout, Instant now) {
  std::set<BackendId> backends;
  for (const lb::BackendStatus& backend : pools_.backends()) {
    backends.insert(backend.id);
  }
  for (const lb::BackendStatus& backend : backends_before) {
    if (!backends.contains(backend.id)) {
      lb::Sever sever;
      sever.backend = backend.id;
      farewells_.add(sever, now, drain_timeout);
    }
  }
  std::set<PoolId> pools;
  for (const lb::PoolStatus& pool : pools_.pools()) {
    pools.insert(pool.id);
  }
  for (const lb::PoolStatus& pool : pools_before) {
    if (!pools.contains(pool.id)) {
      lb::Sever sever;
      sever.pool = pool.id;
      farewells_.add(sever, now, drain_timeout);
    }
  }
  for (const ListenerId listener : closed) {
    lb::Sever sever;
    sever.listener = listener;
    farewells_.add(sever, now, drain_timeout);
  }
}

void Controller::restore_overrides(Instant now) {
  for (const lb::BackendStatus& backend : pools_.backends()) {
    const bool drained = overrides_.find({backend.backend->cluster, backend.backend->name}) != nullptr;
    const lb::AdminState wanted = drained ? lb::AdminState::drain : lb::AdminState::ready;
    if (backend.admin_state != wanted) {
      take_up(pools_.on_admin_state(backend.id, wanted, now));
    }
  }
}

void Controller::on_reports(const std::vector<healthcheck::Report>& reports) {
  const Instant now = now_instant();
  struct Turn {
    const healthcheck::Report* report;
    std::string before;
    Duration lasted;
    std::uint64_t sessions;
  };
  std::vector<Turn> turns;
  std::vector<std::pair<BackendId, lb::Standing>> standings;
  for (const healthcheck::Report& report : reports) {
    if (pools_.find(report.backend) == nullptr) {
      continue;  // removed meanwhile
    }
    lb::Standing standing = make_standing(report);
    BackendRecord& record = records_[report.backend];
    record.probe_duration = report.probe_duration;
    record.last_report = now;
    std::string state = describe_state(standing.up, standing.role);
    if (!record.reported || state != record.state) {
      turns.push_back(
          {&report, record.state, record.reported ? now - record.since : Duration{0}, plane_.sessions(report.backend)});
      record.reported = true;
      record.state = std::move(state);
      record.since = now;
      record.since_wall = now_wall();
    }
    standings.emplace_back(report.backend, std::move(standing));
  }
  take_up(pools_.on_standings(standings, now));
  std::set<BackendId> severed;
  for (const lb::Sever& sever : pending_.severs) {
    if (sever.backend) {
      severed.insert(*sever.backend);
    }
  }
  for (const Turn& turn : turns) {
    log_verdict(*turn.report, turn.before, turn.lasted, severed.contains(turn.report->backend) ? turn.sessions : 0);
  }
  carry_out();
}

void Controller::log_verdict(const healthcheck::Report& report, const std::string& before, Duration lasted,
                             std::uint64_t severed) {
  const lb::BackendStatus* status = pools_.find(report.backend);
  std::string left;
  for (const lb::PoolStatus& pool : pools_.pools()) {
    if (pool.cluster == status->cluster) {
      left += concat(left.empty() ? "" : " ", pool.view->options->name, ":", pool.view->candidates.size());
    }
  }
  const BackendRecord& record = records_.at(report.backend);
  std::vector<LogField> fields{{"backend", concat(status->backend->cluster, "/", status->backend->name)},
                               {"old", before},
                               {"new", record.state},
                               {"reason", report.verdict.reason},
                               {"took", rounded(report.probe_duration)}};
  if (lasted > Duration{0}) {
    fields.emplace_back("lasted", rounded(lasted));
  }
  fields.emplace_back("left", left);
  if (severed > 0) {
    fields.emplace_back("severed", severed);
  }
  record_event(report.up ? LogLevel::info : LogLevel::warning, "verdict", std::move(fields));
}

void Controller::on_connect_failures(const std::vector<lb::ConnectFailed>& failures) {
  std::set<BackendId> backends;
  for (const lb::ConnectFailed& failure : failures) {
    // Our own shortage (`local`) is no evidence against the backend.
    if (failure.failure != lb::ConnectFailure::local) {
      backends.insert(failure.backend);
    }
  }
  std::vector<BackendId> probe(backends.begin(), backends.end());
  for (const BackendId backend : backends) {
    const lb::BackendStatus* status = pools_.find(backend);
    if (status == nullptr || !pools_.holds_write_pool(backend)) {
      continue;
    }
    // The writer may be gone: the next one must not wait for its turn.
    for (const lb::BackendStatus& member : pools_.members(status->cluster)) {
      if (!backends.contains(member.id)) {
        probe.push_back(member.id);
      }
    }
  }
  if (!probe.empty()) {
    health_.probe_now(std::move(probe));
  }
}

Result<BackendId> Controller::find_backend(const std::string& cluster, const std::string& backend) const {
  if (const auto found = pools_.find_backend(cluster, backend)) {
    return *found;
  }
  std::vector<std::string> names;
  for (const config::Cluster& known : config_.clusters) {
    if (known.options.name == cluster) {
      for (const lb::BackendOptions& member : known.options.backends) {
        names.push_back(member.name);
      }
      return Error{concat("cluster \"", cluster, "\" has no backend \"", backend, "\"; there are: ", join(names))};
    }
    names.push_back(known.options.name);
  }
  return Error{concat("cluster \"", cluster, "\" does not exist; there are: ", join(names))};
}

Result<> Controller::drain(const std::string& cluster, const std::string& backend, Drain drain,
                           std::optional<Duration> duration) {
  const auto found = find_backend(cluster, backend);
  if (!found) {
    return found.error();
  }
  const Instant now = now_instant();
  drain.since = now_wall();
  if (drain.said == Instant{}) {
    drain.said = now;
  }
  if (duration) {
    drain.ends = now + *duration;
    drain.ends_wall = drain.since + *duration;
  }
  record_event(LogLevel::info, "drain",
               {{"backend", concat(cluster, "/", backend)},
                {"who", drain.who},
                {"for", duration ? to_string(*duration) : "ever"},
                {"reason", drain.reason}});
  overrides_.drain({cluster, backend}, std::move(drain));
  take_up(pools_.on_admin_state(*found, lb::AdminState::drain, now));
  carry_out();
  return {};
}

Result<> Controller::ready(const std::string& cluster, const std::string& backend, const std::string& who) {
  const auto found = find_backend(cluster, backend);
  if (!found) {
    return found.error();
  }
  if (overrides_.take_back({cluster, backend})) {
    record_event(LogLevel::info, "ready", {{"backend", concat(cluster, "/", backend)}, {"who", who}});
    take_up(pools_.on_admin_state(*found, lb::AdminState::ready, now_instant()));
    carry_out();
  }
  return {};
}

Result<> Controller::promote(const std::string& cluster, const std::string& backend, const std::string& who) {
  const auto found = find_backend(cluster, backend);
  if (!found) {
    return found.error();
  }
  auto change = pools_.on_promote(*found, now_instant());
  if (!change) {
    return change.error();
  }
  record_event(LogLevel::info, "promote", {{"backend", concat(cluster, "/", backend)}, {"who", who}});
  take_up(std::move(*change));
  carry_out();
  return {};
}

void Controller::on_hints(const std::vector<Hint>& hints) {
  const Instant now = now_instant();
  std::vector<std::pair<BackendId, lb::Standing>> standings;
  for (const Hint& hint : hints) {
    const lb::BackendStatus* status = pools_.find(hint.backend);
    const BackendRecord* record = find_record(hint.backend);
    if (status != nullptr && probes_.contains(status->backend->cluster) && (record == nullptr || !record->reported)) {
      standings.emplace_back(hint.backend, hint.standing);
    }
  }
  take_up(pools_.on_standings(standings, now));
  for (const Hint& hint : hints) {
    if (hint.promoted_at) {
      take_up(pools_.on_peer_promotion(hint.backend, *hint.promoted_at, now));
    }
  }
  carry_out();
}

void Controller::stop_listening() { listeners_.close_all(); }

void Controller::sever_addresses(const std::vector<IpAddress>& addresses) {
  for (const ListenerId listener : listeners_.on(addresses)) {
    lb::Sever sever;
    sever.listener = listener;
    sever.cause = lb::Cause::severed_address;
    pending_.severs.push_back(sever);
  }
  carry_out();
}

void Controller::record_event(LogLevel level, std::string_view event, std::vector<LogField> fields) {
  LogEvent happened{level, event, std::move(fields)};
  log_.write(level, event, happened.fields);
  events_.append(now_wall(), std::move(happened));
}

const BackendRecord* Controller::find_record(BackendId backend) const {
  const auto found = records_.find(backend);
  return found == records_.end() ? nullptr : &found->second;
}

const healthcheck::ProbeStats* Controller::probe_stats(ClusterId cluster) const {
  const auto found = probe_stats_.find(cluster);
  return found == probe_stats_.end() ? nullptr : found->second.get();
}

std::vector<std::string> Controller::unknown_backends() const {
  std::vector<std::string> out;
  for (const lb::BackendStatus& backend : pools_.backends()) {
    const BackendRecord* record = find_record(backend.id);
    if (probes_.contains(backend.backend->cluster) && (record == nullptr || !record->reported)) {
      out.push_back(concat(backend.backend->cluster, "/", backend.backend->name));
    }
  }
  return out;
}

void Controller::take_up(lb::Change change) {
  if (change.snapshot) {
    pending_.snapshot = std::move(change.snapshot);
  }
  std::move(change.severs.begin(), change.severs.end(), std::back_inserter(pending_.severs));
  std::move(change.events.begin(), change.events.end(), std::back_inserter(pending_.events));
}

void Controller::carry_out() {
  lb::Change change = std::exchange(pending_, {});
  for (LogEvent& event : change.events) {
    record_event(event.level, event.event, std::move(event.fields));
  }
  if (change.snapshot || !change.severs.empty()) {
    std::shared_ptr<const lb::Snapshot> snapshot = change.snapshot ? std::move(change.snapshot) : pools_.snapshot();
    const std::uint64_t version = snapshot->version;
    plane_.publish(std::move(snapshot), std::move(change.severs), [this, version] {
      boost::asio::post(context_, [this, version] {
        take_up(pools_.on_applied(version, now_instant()));
        carry_out();
      });
    });
  }
  look_after_urgent();
  arm_timer();
  if (on_change_) {
    on_change_();
  }
}

void Controller::look_after_urgent() {
  std::map<ClusterId, bool> urgent;
  for (const lb::ClusterStatus& cluster : pools_.clusters()) {
    urgent[cluster.id] = cluster.urgent;
    const auto before = urgent_.find(cluster.id);
    if (cluster.urgent == (before != urgent_.end() && before->second)) {
      continue;
    }
    health_.set_urgent(cluster.id, cluster.urgent);
    if (cluster.urgent) {
      std::vector<BackendId> members;
      for (const lb::BackendStatus& member : pools_.members(cluster.id)) {
        members.push_back(member.id);
      }
      health_.probe_now(std::move(members));
    }
  }
  urgent_ = std::move(urgent);
}

void Controller::arm_timer() {
  std::optional<Instant> next = pools_.next_deadline();
  for (const std::optional<Instant> other : {overrides_.next_deadline(), farewells_.next_deadline()}) {
    if (other && (!next || *other < *next)) {
      next = other;
    }
  }
  if (!next) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(*next);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) {
      on_timer();
    }
  });
}

void Controller::on_timer() {
  const Instant now = now_instant();
  for (const Overrides::Key& expired : overrides_.expire(now)) {
    record_event(LogLevel::info, "ready",
                 {{"backend", concat(expired.first, "/", expired.second)}, {"who", "the drain's end"}});
    if (const auto backend = pools_.find_backend(expired.first, expired.second)) {
      take_up(pools_.on_admin_state(*backend, lb::AdminState::ready, now));
    }
  }
  for (const lb::Sever& sever : farewells_.due(now)) {
    pending_.severs.push_back(sever);
  }
  take_up(pools_.on_deadline(now));
  carry_out();
}

}  // namespace tandem::app
