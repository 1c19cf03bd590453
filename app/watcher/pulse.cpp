#include "app/watcher/pulse.hpp"

#include <algorithm>

namespace tandem::app {

namespace {

/// Between two looks, and how much later than wanted is late. Looking only when the bound ends would not notice a stall
/// of the whole machine that ends just before it.
Duration look_interval(Duration bound) { return std::max(bound / 4, Duration{1}); }

}  // namespace

bool Pulse::hangs(Instant now, Instant wanted, Instant beat, Duration bound) {
  if (bound <= Duration::zero()) {
    return false;
  }
  if (now - wanted > look_interval(bound) && beat != excused_beat_) {
    excused_beat_ = beat;
    excused_until_ = now + bound;
  }
  return now >= beat + bound && (beat != excused_beat_ || now >= excused_until_);
}

Instant Pulse::next_look(Instant now, Instant beat, Duration bound) const {
  if (bound <= Duration::zero()) {
    return Instant::max();
  }
  const Instant judgement = beat == excused_beat_ ? std::max(beat + bound, excused_until_) : beat + bound;
  return std::min(now + look_interval(bound), judgement);
}

}  // namespace tandem::app
