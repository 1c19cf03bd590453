#include "app/demo/tally.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/text.hpp"

namespace tandem::app::demo {

namespace {

std::string line(std::string_view kind, const Tally::Count& count) {
  std::string text =
      concat("  ", kind, "  ", count.good, " good, ", count.failed, " failed; slowest ", rounded(count.slowest));
  if (count.sent_again > 0) {
    text += concat("; ", count.sent_again, " cut off by the kill and sent again");
  }
  return text;
}

}  // namespace

std::optional<Duration> Tally::Failover::write_outage() const {
  return last_write_before && first_write_after ? std::optional(*first_write_after - *last_write_before) : std::nullopt;
}

std::optional<Duration> Tally::Failover::noticed_after() const {
  return first_write_after ? std::optional(*first_write_after - promoted_at) : std::nullopt;
}

void Tally::on_record(const Record& record) {
  Count& count = record.kind == RequestKind::write ? writes_ : reads_;
  // A write that an older primary took after a newer one had taken some is lost, whatever its answer said.
  const bool is_stale = record.kind == RequestKind::write && record.timeline < timeline_;
  const bool good = record.good && !is_stale;
  count.good += good ? 1U : 0U;
  count.failed += good ? 0U : 1U;
  count.sent_again += record.sent_again;
  count.by_primary += record.good && record.by_primary ? 1U : 0U;
  count.slowest = std::max(count.slowest, record.finished - record.started);
  if (record.kind == RequestKind::read || !good) {
    return;
  }
  timeline_ = record.timeline;
  if (write_awaited() && record.finished >= failovers_.back().promoted_at) {
    failovers_.back().first_write_after = record.finished;
  }
  last_write_ = record.finished;
  if (!failovers_.empty() && failovers_.back().promoted.empty()) {
    failovers_.back().last_write_before = last_write_;  // its record was still under way when the primary was killed
  }
}

void Tally::on_killed(std::string name, Duration now) {
  Failover failover;
  failover.killed = std::move(name);
  failover.killed_at = now;
  failover.last_write_before = last_write_;
  failovers_.push_back(std::move(failover));
}

void Tally::on_promoted(std::string name, Duration now) {
  if (!failovers_.empty()) {
    failovers_.back().promoted = std::move(name);
    failovers_.back().promoted_at = now;
  }
}

bool Tally::write_awaited() const {
  return !failovers_.empty() && !failovers_.back().promoted.empty() && !failovers_.back().first_write_after;
}

std::string Tally::report() const {
  std::string text;
  for (const Failover& failover : failovers_) {
    text += concat("  ", failover.killed, " killed");
    if (!failover.promoted.empty()) {
      text += concat(", ", failover.promoted, " promoted itself ", rounded(failover.promoted_at - failover.killed_at),
                     " later");
    }
    if (const auto outage = failover.write_outage()) {
      text += concat(": no write for ", rounded(*outage), ", ", rounded(*failover.noticed_after()),
                     " of it after the promotion\n");
    } else {
      text += ": no write came through after it\n";
    }
  }
  text += concat(line("writes", writes_), "\n", line("reads ", reads_), "; ", reads_.by_primary, " by the primary\n");
  return text;
}

}  // namespace tandem::app::demo
