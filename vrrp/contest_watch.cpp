#include "vrrp/contest_watch.hpp"

namespace tandem::vrrp {

void ContestWatch::on_active(Instant now, Duration grace) {
  grace_until_ = now + grace;
  since_.reset();
}

Meeting ContestWatch::on_won(const IpAddress& other, Instant now, Duration patience) {
  other_ = other;
  if (!since_ && now < grace_until_) {
    return Meeting::passing;
  }
  over_at_ = now + patience;
  if (since_) {
    return Meeting::going_on;
  }
  since_ = now;
  return Meeting::contested;
}

std::optional<Duration> ContestWatch::on_inactive(Instant now) {
  if (!since_) {
    return std::nullopt;
  }
  const Duration lasted = now - *since_;
  since_.reset();
  return lasted;
}

std::optional<Duration> ContestWatch::on_deadline(Instant now) {
  return since_ && now >= over_at_ ? on_inactive(now) : std::nullopt;
}

std::optional<Instant> ContestWatch::next_deadline() const { return since_ ? std::optional(over_at_) : std::nullopt; }

}  // namespace tandem::vrrp
