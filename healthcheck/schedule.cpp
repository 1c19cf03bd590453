#include "healthcheck/schedule.hpp"

#include <algorithm>

namespace tandem::healthcheck {

namespace {

Duration scaled(Duration duration, double factor) {
  return Duration(static_cast<Duration::rep>(static_cast<double>(duration.count()) * factor));
}

Duration jittered(Duration interval, Random& random) { return scaled(interval, 0.9 + 0.2 * random.fraction()); }

}  // namespace

Schedule::Schedule(const Intervals& intervals, Instant now, Random& random)
    : intervals_(intervals), due_(now + scaled(intervals.normal, random.fraction())) {}

void Schedule::set_intervals(const Intervals& intervals, Instant now, Random& random) {
  intervals_ = intervals;
  due_ = std::min(due_, now + jittered(intervals_.normal, random));
}

bool Schedule::on_start(Instant now) {
  const bool late = now - due_ > intervals_.normal / 2;
  started_ = now;
  running_ = true;
  return late;
}

void Schedule::on_end(Instant now, Pace pace, Random& random) {
  running_ = false;
  due_ = std::max(now, started_ + jittered(pace == Pace::fast ? intervals_.fast : intervals_.normal, random));
  if (again_) {
    again_ = false;
    due_ = std::min(due_, std::max(now, asked_));
  }
}

void Schedule::ask_now(Instant now) {
  const Instant granted = asked_ == Instant::min() ? now : std::max(now, asked_ + intervals_.fast);
  if (asked_ > now) {
    return;  // one is granted already and still to come
  }
  asked_ = granted;
  if (running_) {
    again_ = true;
    return;
  }
  due_ = std::min(due_, granted);
}

void Schedule::hurry(Instant now, Random& random) {
  if (!running_) {
    due_ = std::min(due_, now + scaled(intervals_.fast, random.fraction()));
  }
}

void Starvation::on_tick(Instant now) {
  lost_ += std::max(Duration{0}, now - expected_);
  expected_ = now + period_;
}

Duration Starvation::total(Instant now) const { return lost_ + std::max(Duration{0}, now - expected_); }

}  // namespace tandem::healthcheck
