#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "lb/primacy.hpp"
#include "lb/roster.hpp"

/// What people hear of primaries and pools: one event per change.
namespace tandem::lb::events {

LogEvent epoch_backwards(const Cluster& cluster, const BackendStatus& backend, std::uint64_t epoch_before);
/// Before the cluster takes the new primary.
LogEvent primary_changed(const Roster& roster, const Cluster& cluster, BackendId primary, Instant now);
LogEvent primary_lost(const Roster& roster, const Cluster& cluster);
/// Conflicts that begin, are settled otherwise, or end, and primaries that are refused.
void append_conflict(std::vector<LogEvent>& out, const Roster& roster, const Cluster& cluster,
                     const Primacy::Outcome& before);

void append_emptied(std::vector<LogEvent>& out, const Roster& roster, const Pool& pool, std::string_view reason);
void append_back(std::vector<LogEvent>& out, const Roster& roster, const Pool& pool, std::string_view reason);
LogEvent fail_open(const Pool& pool, std::string_view reason);
LogEvent handover_unconfirmed(const Pool& pool);

}  // namespace tandem::lb::events
