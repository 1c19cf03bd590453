#include "lb/pool_events.hpp"

#include <string>

#include "base/text.hpp"

namespace tandem::lb::events {

namespace {

std::string names(const Roster& roster, const std::vector<BackendId>& backends) {
  std::vector<std::string> all;
  all.reserve(backends.size());
  for (const BackendId backend : backends) {
    all.push_back(roster.name(backend));
  }
  return join(all);
}

std::string fallback_of(const Roster& roster, const Pool& pool) {
  for (const std::unique_ptr<Pool>& other : roster.pools()) {
    if (other->id == pool.fallback) {
      return other->options->name;
    }
  }
  return {};
}

LogEvent of_pool(LogLevel level, std::string_view event, const Pool& pool, std::string_view reason) {
  return {level, event, {{"pool", pool.options->name}, {"cluster", pool.cluster->name}, {"reason", reason}}};
}

}  // namespace

LogEvent epoch_backwards(const Cluster& cluster, const BackendStatus& backend, std::uint64_t epoch_before) {
  return {LogLevel::warning,
          "epoch_backwards",
          {{"cluster", cluster.name},
           {"backend", backend.backend->name},
           {"from", epoch_before},
           {"to", backend.standing.epoch.value_or(0)},
           {"reason", backend.standing.reason}}};
}

LogEvent primary_changed(const Roster& roster, const Cluster& cluster, BackendId primary, Instant now) {
  const BackendStatus* const backend = roster.backend(primary);
  LogEvent event{LogLevel::info,
                 "primary_changed",
                 {{"cluster", cluster.name},
                  {"backend", roster.name(primary)},
                  {"reason", backend == nullptr ? "" : backend->standing.reason}}};
  if (cluster.primary_before) {
    event.fields.emplace_back("before", roster.name(*cluster.primary_before));
  }
  if (!cluster.primary && cluster.without_since) {
    event.fields.emplace_back("without", rounded(now - *cluster.without_since));
  }
  if (backend != nullptr && backend->standing.epoch) {
    event.fields.emplace_back("epoch", *backend->standing.epoch);
  }
  return event;
}

LogEvent primary_lost(const Roster& roster, const Cluster& cluster) {
  const BackendStatus* const backend = roster.backend(*cluster.primary);
  std::string reason = "it was removed from the configuration";
  if (backend != nullptr) {
    const bool says_primary = backend->standing.up && backend->standing.role == Role::primary;
    reason = says_primary ? cluster.outcome.reason : backend->standing.reason;
  }
  return {LogLevel::warning,
          "primary_lost",
          {{"cluster", cluster.name}, {"backend", roster.name(*cluster.primary)}, {"reason", reason}}};
}

void append_conflict(std::vector<LogEvent>& out, const Roster& roster, const Cluster& cluster,
                     const Primacy::Outcome& before) {
  const Primacy::Outcome& after = cluster.outcome;
  // Not by the reason, which has the epoch in it and may change with every probe.
  if (after.claimants == before.claimants && after.newest == before.newest && after.refused == before.refused) {
    return;
  }
  if (after.in_conflict() && after.claimants != before.claimants) {
    out.push_back({LogLevel::warning,
                   "conflict_started",
                   {{"cluster", cluster.name}, {"backends", names(roster, after.claimants)}}});
  }
  if (after.in_conflict()) {
    const std::string writer = after.newest ? roster.name(*after.newest) : "nobody";
    out.push_back({after.newest ? LogLevel::warning : LogLevel::error,
                   after.newest ? "conflict_settled" : "conflict_unsettled",
                   {{"cluster", cluster.name},
                    {"backends", names(roster, after.claimants)},
                    {"backend", writer},
                    {"reason", after.reason}}});
  }
  if (before.in_conflict() && !after.in_conflict()) {
    out.push_back(
        {LogLevel::info, "conflict_ended", {{"cluster", cluster.name}, {"backends", names(roster, before.claimants)}}});
  }
  if (after.refused && (!before.refused || after.claimants != before.claimants)) {
    out.push_back({LogLevel::error,
                   "stale_primary_refused",
                   {{"cluster", cluster.name},
                    {"backend", names(roster, after.claimants)},
                    {"reason", concat(after.reason, "; \"tandem promote\" makes it the primary")}}});
  }
}

void append_emptied(std::vector<LogEvent>& out, const Roster& roster, const Pool& pool, std::string_view reason) {
  out.push_back(of_pool(LogLevel::warning, "pool_empty", pool, reason));
  if (pool.fallback) {
    out.push_back(of_pool(LogLevel::warning, "fallback_started", pool, reason));
    out.back().fields.emplace_back("fallback", fallback_of(roster, pool));
  }
}

void append_back(std::vector<LogEvent>& out, const Roster& roster, const Pool& pool, std::string_view reason) {
  out.push_back(of_pool(LogLevel::info, "pool_back", pool, reason));
  if (pool.fallback) {
    out.push_back(of_pool(LogLevel::info, "fallback_ended", pool, reason));
    out.back().fields.emplace_back("fallback", fallback_of(roster, pool));
  }
}

LogEvent fail_open(const Pool& pool, std::string_view reason) {
  return pool.view->fail_open ? of_pool(LogLevel::warning, "fail_open_started", pool, reason)
                              : of_pool(LogLevel::info, "fail_open_ended", pool, reason);
}

LogEvent handover_unconfirmed(const Pool& pool) {
  return of_pool(LogLevel::warning, "handover_unconfirmed", pool,
                 "workers did not confirm within 1s that they let go of the primary before");
}

}  // namespace tandem::lb::events
