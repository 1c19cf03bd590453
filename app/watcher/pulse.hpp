#pragma once

#include "base/time.hpp"

namespace tandem::app {

/// Whether a process hangs, by its beats. A watcher that was itself kept from looking in time, as on a starved or
/// paused machine, excuses one silence for one more whole bound. Reads no clock.
class Pulse {
 public:
  /// The watcher wanted to look at `wanted` at the latest, and does so `now`. `bound`: how long a silence may last;
  /// zero: for ever.
  [[nodiscard]] bool hangs(Instant now, Instant wanted, Instant beat, Duration bound);
  /// When to look again, after hangs() has said no; Instant::max() when there is nothing to wait for.
  [[nodiscard]] Instant next_look(Instant now, Instant beat, Duration bound) const;

 private:
  Instant excused_beat_{};  // the last one before the silence that is excused
  Instant excused_until_{};
};

}  // namespace tandem::app
