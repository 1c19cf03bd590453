#include "healthcheck/lag.hpp"

#include <algorithm>
#include <chrono>

#include "base/text.hpp"

namespace tandem::healthcheck {

namespace {

using namespace std::chrono_literals;

/// A primary of an older epoch is taken at its word once nobody of the newer one was heard for so long: a cluster can
/// be built anew, or restored from a backup.
constexpr Duration kForgottenAfter = 60s;

}  // namespace

bool WriteLog::learn(const Verdict& verdict, Instant now) {
  const std::uint64_t epoch = verdict.epoch.value_or(epoch_);
  const bool primary = verdict.role == Role::primary;
  if (!position_ || epoch > epoch_) {
    return true;
  }
  if (epoch < epoch_) {
    return primary && now - seen_ > kForgottenAfter;
  }
  return primary || *verdict.position >= *position_;
}

void WriteLog::on_verdict(Verdict& verdict, Instant now) {
  if (!verdict.position) {
    return;
  }
  if (learn(verdict, now)) {
    position_ = verdict.position;
    epoch_ = verdict.epoch.value_or(epoch_);
    seen_ = now;
  }
  if (verdict.role == Role::replica && !verdict.lag_bytes) {
    verdict.lag_bytes = *position_ - std::min(*position_, *verdict.position);
    verdict.reason += concat(", lag ", bytes_rounded(*verdict.lag_bytes));
  }
}

}  // namespace tandem::healthcheck
