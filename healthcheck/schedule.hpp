#pragma once

#include <cstdint>

#include "base/random.hpp"
#include "base/time.hpp"

namespace tandem::healthcheck {

/// When one backend's next probe is due. Pure: time and randomness are arguments. Every interval is jittered by ±10 %.
class Schedule {
 public:
  struct Intervals {
    Duration normal{0};
    Duration fast{0};
  };
  enum class Pace { normal, fast };

  /// The first probe comes somewhere within one interval, so that not all come at once.
  Schedule(const Intervals& intervals, Instant now, Random& random);

  /// New intervals; the phase stays, but nobody waits longer than the new interval.
  void set_intervals(const Intervals& intervals, Instant now, Random& random);

  /// A probe begins now. True if our own machine let it begin late, by more than half the interval.
  bool on_start(Instant now);
  /// That probe ended; the next comes one interval after its start, or at once where it took longer.
  void on_end(Instant now, Pace pace, Random& random);
  /// Real traffic saw the backend fail: due at once, but at most one such probe per fast interval.
  void ask_now(Instant now);
  /// The cluster became urgent: due within one fast interval.
  void hurry(Instant now, Random& random);

  [[nodiscard]] Instant due() const { return due_; }

 private:
  Intervals intervals_;
  Instant due_{};
  Instant started_{};
  Instant asked_ = Instant::min();  // the latest ask_now() was granted for then
  bool running_ = false;
  bool again_ = false;  // asked while a probe was running
};

/// Adds up for how long the thread did not get to run, from a tick that should come every `period`. Pure.
class Starvation {
 public:
  explicit Starvation(Duration period) : period_(period) {}

  void on_tick(Instant now);
  /// All the time lost so far, with what the tick that is due now is late already.
  [[nodiscard]] Duration total(Instant now) const;
  /// The tick begins anew, without counting the pause.
  void restart(Instant now) { expected_ = now + period_; }
  [[nodiscard]] Instant next_tick() const { return expected_; }

 private:
  Duration period_;
  Instant expected_{};
  Duration lost_{0};
};

/// True if a failure of a probe says more about our machine than about the backend: the thread lost more than half
/// of the time that the backend had.
constexpr bool starved(Duration lost, Duration timeout) { return lost > timeout / 2; }

}  // namespace tandem::healthcheck
