#include "app/demo/tally.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include "base/text.hpp"

namespace tandem::app::demo {

namespace {

constexpr std::array<std::string_view, 5> kOutcomes{"good", "refused", "cut off", "timed out", "with a wrong answer"};

std::string line(std::string_view kind, const Tally::Count& count) {
  std::vector<std::string> failures;
  for (std::size_t outcome = 1; outcome < kOutcomes.size(); ++outcome) {
    if (count.outcomes[outcome] > 0) {
      failures.push_back(concat(count.outcomes[outcome], " ", kOutcomes[outcome]));
    }
  }
  return concat("  ", kind, "  ", count.good, " good, ", count.failed, " failed",
                failures.empty() ? "" : concat(" (", join(failures), ")"), "; slowest ", rounded(count.slowest));
}

}  // namespace

void Tally::on_record(const Record& record) {
  const bool is_write = record.kind == RequestKind::write;
  const bool is_stale = is_write && record.outcome == Outcome::good && record.timeline < timeline_;
  const bool is_good = record.outcome == Outcome::good && !is_stale;
  Count& count = is_write ? writes_ : reads_;
  count.good += is_good ? 1U : 0U;
  count.failed += is_good ? 0U : 1U;
  ++count.outcomes[static_cast<std::size_t>(record.outcome)];
  count.by_primary += is_good && record.by_primary ? 1U : 0U;
  count.slowest = std::max(count.slowest, record.finished - record.started);
  stale_writes_ += is_stale ? 1U : 0U;
  if (is_good) {
    on_good(record);
  } else if (!is_stale) {
    on_failed(record);
  }
}

void Tally::on_good(const Record& record) {
  const bool is_write = record.kind == RequestKind::write;
  if (under_way()) {
    Incident& incident = incidents_.back();
    const bool writes_only = incident.measured == Measured::writes;
    const std::optional<Duration>& before = writes_only ? last_write_ : last_good_;
    if (record.finished > incident.at && (is_write || !writes_only)) {
      incident.silence = std::max(incident.silence, record.finished - before.value_or(incident.at));
      incident.answered = incident.answered || record.started > incident.at;
    }
    const bool awaited = incident.promoted_at && !incident.first_write_after;
    if (awaited && is_write && record.finished >= *incident.promoted_at) {
      incident.first_write_after = record.finished;
    }
  }
  last_good_ = record.finished;
  if (is_write) {
    timeline_ = record.timeline;
    last_write_ = record.finished;
  }
}

void Tally::on_failed(const Record& record) {
  const auto cause = std::find_if(incidents_.rbegin(), incidents_.rend(), [&](const Incident& incident) {
    return record.finished >= incident.at && record.started <= incident.ended.value_or(record.started);
  });
  if (cause == incidents_.rend()) {
    ++unexplained_;
  } else {
    ++cause->failed;
  }
}

void Tally::begin(std::string what, Measured measured, Duration now) {
  end(now);
  Incident incident;
  incident.what = std::move(what);
  incident.measured = measured;
  incident.at = now;
  incidents_.push_back(std::move(incident));
}

void Tally::on_promoted(Duration now) {
  if (under_way()) {
    incidents_.back().promoted_at = now;
  }
}

void Tally::end(Duration now) {
  if (!under_way()) {
    return;
  }
  Incident& incident = incidents_.back();
  incident.ended = now;
  if (!incident.answered) {
    const std::optional<Duration>& before = incident.measured == Measured::writes ? last_write_ : last_good_;
    incident.silence = now - before.value_or(incident.at);
  }
}

std::string cost_of(const Incident& incident) {
  const std::string_view missed = incident.measured == Measured::writes ? "a write" : "an answer";
  std::string text = concat(rounded(incident.silence), " without ", missed);
  if (!incident.answered) {
    text += " and none since";
  }
  if (incident.first_write_after) {
    text += concat(" (", rounded(*incident.first_write_after - *incident.promoted_at), " of it after the promotion)");
  }
  return text + concat(", ", incident.failed, incident.failed == 1 ? " request failed" : " requests failed");
}

std::string Tally::report() const {
  std::string text;
  for (const Incident& incident : incidents_) {
    text += concat("  ", incident.what, ": ", cost_of(incident), "\n");
  }
  return concat(text, line("writes", writes_), "\n", line("reads ", reads_), "; ", reads_.by_primary,
                " by the primary\n");
}

}  // namespace tandem::app::demo
