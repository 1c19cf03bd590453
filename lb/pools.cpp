#include "lb/pools.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "lb/eligibility.hpp"
#include "lb/pool_events.hpp"
#include "lb/roster.hpp"

namespace tandem::lb {

namespace {

bool is_write_pool(const Pool& pool) { return pool.options->role == PoolRole::primary; }

/// Whether the sessions of a backend that loses a write pool must end, and for which cause.
std::optional<Cause> cause_of_loss(const PoolOptions& pool, const BackendStatus& holder) {
  if (!holder.standing.known || !holder.standing.up) {
    return pool.sever_on_down ? std::optional(Cause::severed_down) : std::nullopt;
  }
  return pool.sever_on_role_loss ? std::optional(Cause::severed_role) : std::nullopt;
}

/// Whether somebody who was up and right for the pool is not any more, and its sessions must end for it.
std::optional<Cause> cause_of_change(const PoolOptions& pool, const Standing& before, const Standing& after) {
  if (!before.known || !before.up) {
    return std::nullopt;
  }
  if (!after.up) {
    return pool.sever_on_down ? std::optional(Cause::severed_down) : std::nullopt;
  }
  const bool lost_role = pool.role == PoolRole::replica && before.role == Role::replica && after.role == Role::primary;
  return lost_role && pool.sever_on_role_loss ? std::optional(Cause::severed_role) : std::nullopt;
}

Sever sever(PoolId pool, BackendId backend, Cause cause) {
  Sever order;
  order.pool = pool;
  order.backend = backend;
  order.cause = cause;
  return order;
}

}  // namespace

struct Pools::State {
  explicit State(std::size_t workers) : roster(workers), snapshot(std::make_shared<const Snapshot>()) {}

  /// One step: what it is for, and what it comes to.
  struct Step {
    Instant now;
    std::string reason;
    Change change;
  };

  /// Takes a standing and returns whether pools or primacy may be other than before.
  bool take(BackendStatus& backend, const Standing& standing, Step& step);
  /// Brings one cluster's primary and pools in line with what is known.
  void settle(Cluster& cluster, Step& step);
  void settle_all(Step& step);
  void judge(Cluster& cluster, Step& step);
  /// Where primaries compete, says what the write pools do about it and what an operator can.
  void explain_conflict(Cluster& cluster) const;
  void advance(Pool& pool, Step& step);
  void rebuild(Pool& pool, Step& step);
  void announce(Pool& pool, const PoolView* before, Step& step);
  void return_sessions(const Pool& pool, Step& step);
  void note_primary(Cluster& cluster, Step& step);
  /// Makes the snapshot of this step, if workers have to hear of it.
  Change finish(Step step);

  [[nodiscard]] std::uint64_t next_version() const { return snapshot->version + 1; }
  [[nodiscard]] const Pool* find(PoolId pool) const;

  Roster roster;
  std::shared_ptr<const Snapshot> snapshot;
};

bool Pools::State::take(BackendStatus& backend, const Standing& standing, Step& step) {
  if (backend.standing == standing) {
    return false;
  }
  const Standing before = std::exchange(backend.standing, standing);
  Cluster& cluster = roster.cluster_of(backend);
  if (const auto epoch_before = cluster.primacy.on_standing(backend.id, standing, step.now)) {
    step.change.events.push_back(events::epoch_backwards(cluster, backend, *epoch_before));
  }
  bool matters = before.known != standing.known || before.up != standing.up || before.role != standing.role ||
                 before.epoch != standing.epoch || before.takes_reads != standing.takes_reads;
  for (const std::unique_ptr<Pool>& pool : roster.pools()) {
    if (pool->cluster != &cluster) {
      continue;
    }
    matters = matters || within_lag(*pool->options, before) != within_lag(*pool->options, standing);
    if (!is_write_pool(*pool)) {
      if (const auto cause = cause_of_change(*pool->options, before, standing)) {
        step.change.severs.push_back(sever(pool->id, backend.id, *cause));
      }
      continue;
    }
    const bool demoted = standing.known && standing.up && standing.role == Role::replica;
    if (demoted && pool->options->sever_on_role_loss && pool->tenure.take_lingering(backend.id)) {
      step.change.severs.push_back(sever(pool->id, backend.id, Cause::severed_role));
    }
  }
  return matters;
}

void Pools::State::settle(Cluster& cluster, Step& step) {
  judge(cluster, step);
  for (const std::unique_ptr<Pool>& pool : roster.pools()) {
    if (pool->cluster == &cluster) {
      advance(*pool, step);
      rebuild(*pool, step);
    }
  }
  note_primary(cluster, step);
}

void Pools::State::settle_all(Step& step) {
  for (const std::unique_ptr<Cluster>& cluster : roster.clusters()) {
    settle(*cluster, step);
  }
}

void Pools::State::explain_conflict(Cluster& cluster) const {
  Primacy::Outcome& outcome = cluster.outcome;
  if (!outcome.in_conflict() || outcome.refused) {
    return;
  }
  bool has_write_pool = false;
  bool all_refuse = true;
  for (const std::unique_ptr<Pool>& pool : roster.pools()) {
    if (pool->cluster == &cluster && is_write_pool(*pool)) {
      has_write_pool = true;
      all_refuse = all_refuse && pool->options->on_conflict == OnConflict::refuse;
    }
  }
  if (has_write_pool && all_refuse && !outcome.unopposed) {
    outcome.newest.reset();
    outcome.reason = concat(
        "on_conflict = \"refuse\": nobody is written to until one gives way or an operator chooses (tandem promote ",
        cluster.name, "/BACKEND)");
  } else if (!outcome.newest) {
    outcome.reason = concat(outcome.reason, "; \"tandem promote ", cluster.name, "/BACKEND\" settles it");
  }
}

void Pools::State::judge(Cluster& cluster, Step& step) {
  Primacy::Outcome before = std::exchange(cluster.outcome, cluster.primacy.judge());
  explain_conflict(cluster);
  events::append_conflict(step.change.events, roster, cluster, before);
}

void Pools::State::advance(Pool& pool, Step& step) {
  std::optional<BackendId> wanted;
  if (is_write_pool(pool)) {
    wanted = pool.cluster->outcome.writer(pool.options->on_conflict);
  }
  Tenure::Terms terms{std::nullopt, pool.options->sever_on_role_loss, next_version(), step.now};
  if (pool.tenure.holder()) {
    const BackendStatus* holder = roster.backend(*pool.tenure.holder());
    if (holder != nullptr && holder->cluster == pool.cluster->id && is_write_pool(pool)) {
      terms.end_sessions = cause_of_loss(*pool.options, *holder);
    }
  }
  for (const Tenure::Departure& departure : pool.tenure.advance(wanted, terms).sever) {
    step.change.severs.push_back(sever(pool.id, departure.backend, departure.cause));
  }
}

void Pools::State::rebuild(Pool& pool, Step& step) {
  const std::span<BackendStatus* const> members(pool.cluster->members);
  Eligible found = is_write_pool(pool) ? eligible_writer(*pool.options, members, pool.tenure.holder())
                                       : eligible(*pool.options, members, pool.cluster->probed);
  auto view = std::make_shared<PoolView>();
  view->id = pool.id;
  view->generation = pool.tenure.generation();
  view->options = pool.options;
  view->state = pool.state;
  view->candidates = std::move(found.candidates);
  view->fallback = pool.fallback;
  view->fail_open = found.fail_open;
  view->maglev = maglev_table(*pool.options, view->candidates, pool.view.get());
  const std::shared_ptr<const PoolView> before = pool.view;
  if (!before || !same(*before, *view)) {
    pool.view = std::move(view);
  }
  announce(pool, before.get(), step);
}

void Pools::State::announce(Pool& pool, const PoolView* before, Step& step) {
  std::vector<LogEvent>& out = step.change.events;
  const bool was_fail_open = before != nullptr && before->fail_open;
  if (was_fail_open != pool.view->fail_open) {
    out.push_back(events::fail_open(pool, step.reason));
  }
  const bool had_somebody = before != nullptr && !before->candidates.empty();
  if (pool.view->candidates.empty()) {
    // At start nobody is known yet, which is no news; it is when all are known and still none may serve.
    const bool all_known = std::all_of(pool.cluster->members.begin(), pool.cluster->members.end(),
                                       [&](const BackendStatus* one) { return one->standing.known; });
    if (!pool.announced_empty && (had_somebody || all_known || !pool.cluster->probed)) {
      pool.announced_empty = true;
      events::append_emptied(out, roster, pool, step.reason);
    }
    return;
  }
  if (std::exchange(pool.announced_empty, false)) {
    events::append_back(out, roster, pool, step.reason);
  }
  if (before != nullptr && !had_somebody) {
    return_sessions(pool, step);
  }
}

void Pools::State::return_sessions(const Pool& pool, Step& step) {
  if (!pool.options->return_to_replicas) {
    return;
  }
  std::optional<PoolId> next = pool.fallback;
  for (std::size_t hops = 0; next && hops < roster.pools().size(); ++hops) {
    Sever order;
    order.entry_pool = pool.id;
    order.pool = next;
    order.cause = Cause::severed_drain;
    order.over = *pool.options->return_to_replicas;
    step.change.severs.push_back(order);
    const Pool* fallback = find(*next);
    next = fallback == nullptr ? std::nullopt : fallback->fallback;
  }
}

void Pools::State::note_primary(Cluster& cluster, Step& step) {
  std::optional<BackendId> primary = cluster.outcome.newest;
  bool has_write_pool = false;
  for (const std::unique_ptr<Pool>& pool : roster.pools()) {
    if (pool->cluster == &cluster && is_write_pool(*pool) && (!has_write_pool || !primary)) {
      has_write_pool = true;
      primary = pool->tenure.holder();
    }
  }
  if (primary == cluster.primary) {
    return;
  }
  if (!primary) {
    step.change.events.push_back(events::primary_lost(roster, cluster));
    cluster.without_since = step.now;
  } else {
    step.change.events.push_back(events::primary_changed(roster, cluster, *primary, step.now));
    cluster.primary_changes += cluster.primary_before && cluster.primary_before != primary ? 1U : 0U;
    cluster.primary_before = primary;
  }
  cluster.primary = primary;
}

Change Pools::State::finish(Step step) {
  bool is_news = !step.change.severs.empty() || roster.pools().size() != snapshot->pools.size();
  for (const std::unique_ptr<Pool>& pool : roster.pools()) {
    const auto published = snapshot->pools.find(pool->id);
    if (published != snapshot->pools.end() && published->second != pool->view &&
        same(*published->second, *pool->view)) {
      pool->view = published->second;  // changed and changed back within the step
    }
    is_news = is_news || published == snapshot->pools.end() || published->second != pool->view;
  }
  if (is_news) {
    auto made = std::make_shared<Snapshot>();
    made->version = next_version();
    for (const std::unique_ptr<Pool>& pool : roster.pools()) {
      made->pools.emplace(pool->id, pool->view);
    }
    snapshot = made;
    step.change.snapshot = std::move(made);
  }
  return std::move(step.change);
}

const Pool* Pools::State::find(PoolId pool) const {
  const auto found = std::find_if(roster.pools().begin(), roster.pools().end(),
                                  [&](const std::unique_ptr<Pool>& one) { return one->id == pool; });
  return found == roster.pools().end() ? nullptr : found->get();
}

Pools::Pools(std::size_t workers) : state_(std::make_unique<State>(workers)) {}

Pools::~Pools() = default;

Change Pools::configure(std::span<const ClusterOptions> clusters, std::span<const PoolOptions> pools, Instant now) {
  State::Step step{now, "configuration", {}};
  state_->roster.configure(clusters, pools);
  state_->settle_all(step);
  return state_->finish(std::move(step));
}

Change Pools::on_standing(BackendId backend, const Standing& standing, Instant now) {
  const std::pair<BackendId, Standing> one(backend, standing);
  return on_standings({&one, 1}, now);
}

Change Pools::on_standings(std::span<const std::pair<BackendId, Standing>> standings, Instant now) {
  State::Step step{now, {}, {}};
  std::vector<std::pair<Cluster*, std::string>> touched;  // and the last reason
  std::unordered_set<BackendId> seen;
  const auto settle_touched = [&] {
    for (auto& [cluster, reason] : touched) {
      step.reason = std::move(reason);
      state_->settle(*cluster, step);
    }
    touched.clear();
    seen.clear();
  };
  for (const auto& [id, standing] : standings) {
    BackendStatus* backend = state_->roster.backend(id);
    if (backend == nullptr) {
      continue;
    }
    if (!seen.insert(id).second) {
      settle_touched();  // what a backend said in between counts: "I am a replica" costs the pool even if taken back
      seen.insert(id);
    }
    if (!state_->take(*backend, standing, step)) {
      continue;
    }
    Cluster* const cluster = &state_->roster.cluster_of(*backend);
    std::string reason = concat(backend->backend->name, ": ", standing.reason);
    const auto known =
        std::find_if(touched.begin(), touched.end(), [&](const auto& entry) { return entry.first == cluster; });
    if (known == touched.end()) {
      touched.emplace_back(cluster, std::move(reason));
    } else {
      known->second = std::move(reason);
    }
  }
  settle_touched();
  return state_->finish(std::move(step));
}

Change Pools::on_admin_state(BackendId id, AdminState admin_state, Instant now) {
  BackendStatus* backend = state_->roster.backend(id);
  if (backend == nullptr || backend->admin_state == admin_state) {
    return {};
  }
  backend->admin_state = admin_state;
  State::Step step{now, concat(backend->backend->name, admin_state == AdminState::drain ? ": drained" : ": ready"), {}};
  state_->settle(state_->roster.cluster_of(*backend), step);
  return state_->finish(std::move(step));
}

Result<Change> Pools::on_promote(BackendId id, Instant now) {
  BackendStatus* backend = state_->roster.backend(id);
  if (backend == nullptr) {
    return Error{"there is no such backend"};
  }
  Cluster& cluster = state_->roster.cluster_of(*backend);
  if (const Result<void> promoted = cluster.primacy.promote(id); !promoted) {
    return Error{concat("backend \"", cluster.name, "/", backend->backend->name, "\": ", promoted.error().text)};
  }
  State::Step step{now, concat("an operator chose ", backend->backend->name), {}};
  state_->settle(cluster, step);
  return state_->finish(std::move(step));
}

Change Pools::on_peer_promotion(BackendId id, Instant when, Instant now) {
  const BackendStatus* backend = state_->roster.backend(id);
  if (backend == nullptr) {
    return {};
  }
  Cluster& cluster = state_->roster.cluster_of(*backend);
  cluster.primacy.on_peer_promotion(id, when);
  State::Step step{now, concat("the other node saw ", backend->backend->name, " become primary"), {}};
  state_->settle(cluster, step);
  return state_->finish(std::move(step));
}

Change Pools::on_applied(std::uint64_t version, Instant now) {
  State::Step step{now, "every worker let go of the one before", {}};
  for (const std::unique_ptr<Pool>& pool : state_->roster.pools()) {
    if (pool->tenure.on_applied(version)) {
      state_->settle(*pool->cluster, step);
    }
  }
  return state_->finish(std::move(step));
}

Change Pools::on_deadline(Instant now) {
  State::Step step{now, "workers did not confirm in time", {}};
  for (const std::unique_ptr<Pool>& pool : state_->roster.pools()) {
    if (pool->tenure.on_deadline(now)) {
      step.change.events.push_back(events::handover_unconfirmed(*pool));
      state_->settle(*pool->cluster, step);
    }
  }
  return state_->finish(std::move(step));
}

std::optional<Instant> Pools::next_deadline() const {
  std::optional<Instant> next;
  for (const std::unique_ptr<Pool>& pool : state_->roster.pools()) {
    const std::optional<Instant> deadline = pool->tenure.deadline();
    next = next && deadline ? std::min(next, deadline) : (next ? next : deadline);
  }
  return next;
}

std::shared_ptr<const Snapshot> Pools::snapshot() const { return state_->snapshot; }

std::vector<ClusterStatus> Pools::clusters() const {
  std::vector<ClusterStatus> statuses;
  for (const std::unique_ptr<Cluster>& cluster : state_->roster.clusters()) {
    ClusterStatus status;
    status.id = cluster->id;
    status.name = cluster->name;
    status.primary = cluster->primary;
    if (cluster->outcome.in_conflict()) {
      status.conflict = cluster->outcome.claimants;
    }
    if (!cluster->outcome.claimants.empty()) {
      status.conflict_reason = cluster->outcome.reason;
    }
    status.primary_changes = cluster->primary_changes;
    status.last_promoted = cluster->primacy.last_promoted();
    for (const std::unique_ptr<Pool>& pool : state_->roster.pools()) {
      const bool is_ours = pool->cluster == cluster.get() && is_write_pool(*pool);
      status.urgent = status.urgent || (is_ours && (!pool->tenure.holder() || cluster->outcome.in_conflict()));
    }
    statuses.push_back(std::move(status));
  }
  return statuses;
}

std::vector<BackendStatus> Pools::backends() const {
  std::vector<BackendStatus> statuses;
  for (const std::unique_ptr<Cluster>& cluster : state_->roster.clusters()) {
    for (const BackendStatus* member : cluster->members) {
      statuses.push_back(*member);
    }
  }
  return statuses;
}

const BackendStatus* Pools::find(BackendId backend) const { return state_->roster.backend(backend); }

std::vector<BackendStatus> Pools::members(ClusterId id) const {
  std::vector<BackendStatus> statuses;
  for (const std::unique_ptr<Cluster>& cluster : state_->roster.clusters()) {
    if (cluster->id == id) {
      for (const BackendStatus* member : cluster->members) {
        statuses.push_back(*member);
      }
    }
  }
  return statuses;
}

bool Pools::holds_write_pool(BackendId backend) const {
  return std::any_of(state_->roster.pools().begin(), state_->roster.pools().end(),
                     [&](const auto& pool) { return is_write_pool(*pool) && pool->tenure.holder() == backend; });
}

std::vector<PoolStatus> Pools::pools() const {
  std::vector<PoolStatus> statuses;
  for (const std::unique_ptr<Pool>& pool : state_->roster.pools()) {
    statuses.push_back(
        {pool->id, pool->view, pool->cluster->id, pool->view->candidates.empty() && pool->view->fallback});
  }
  return statuses;
}

std::optional<BackendId> Pools::find_backend(std::string_view cluster, std::string_view backend) const {
  for (const std::unique_ptr<Cluster>& one : state_->roster.clusters()) {
    for (const BackendStatus* member : one->members) {
      if (one->name == cluster && member->backend->name == backend) {
        return member->id;
      }
    }
  }
  return std::nullopt;
}

std::optional<PoolId> Pools::find_pool(std::string_view pool) const {
  for (const std::unique_ptr<Pool>& one : state_->roster.pools()) {
    if (one->options->name == pool) {
      return one->id;
    }
  }
  return std::nullopt;
}

}  // namespace tandem::lb
