#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace tandem::vrrp {

/// Whether somebody beyond the link answers. `unknown`: nobody has had the time to; that is no reason to let go.
enum class Reach : std::uint8_t { unknown, reachable, silent };

/// How often the witnesses of an instance are asked: its interval, within 50 ms and 1 s.
constexpr Duration witness_period(Duration interval) {
  return std::clamp<Duration>(interval, std::chrono::milliseconds(50), std::chrono::seconds(1));
}

/// Tells silence from an answer, over all witnesses of an instance: one answer in three periods is enough. Time in
/// which our own thread did not ask is no silence. Pure.
class WitnessTally {
 public:
  WitnessTally(Duration period, Instant start);

  void on_asked(Instant now);
  void on_answer(Instant now);

  [[nodiscard]] Reach reach(Instant now) const;
  [[nodiscard]] Instant next_question() const { return next_question_; }
  /// When it turns silent unless somebody answers.
  [[nodiscard]] Instant silent_at() const { return silent_at_; }

 private:
  Duration period_;
  Instant next_question_;
  Instant silent_at_;
  bool answered_ = false;
};

}  // namespace tandem::vrrp
