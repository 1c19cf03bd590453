#include "vrrp/witness_tally.hpp"

namespace tandem::vrrp {

namespace {

constexpr int kPatience = 3;  // periods

}  // namespace

WitnessTally::WitnessTally(Duration period, Instant start)
    : period_(period), next_question_(start), silent_at_(start + kPatience * period) {}

void WitnessTally::on_asked(Instant now) {
  const Duration late = now - next_question_;
  if (late > Duration::zero()) {
    silent_at_ += late;
  }
  next_question_ = now + period_;
}

void WitnessTally::on_answer(Instant now) {
  answered_ = true;
  silent_at_ = std::max(silent_at_, now + kPatience * period_);
}

Reach WitnessTally::reach(Instant now) const {
  if (now >= silent_at_) {
    return Reach::silent;
  }
  return answered_ ? Reach::reachable : Reach::unknown;
}

}  // namespace tandem::vrrp
