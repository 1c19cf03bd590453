#pragma once

#include <cstdint>

#include "healthcheck/verdict.hpp"

namespace tandem::healthcheck {

/// Rise and fall of one backend. Pure. The first verdict counts by itself, whichever it is; later `fall` failures in a
/// row take the backend down and `rise` successes in a row bring it up. What a backend says of its role counts at once.
class Tracker {
 public:
  struct Thresholds {
    std::uint32_t rise = 2;
    std::uint32_t fall = 3;
  };

  explicit Tracker(const Thresholds& thresholds) : thresholds_(thresholds) {}

  /// New thresholds; counting goes on where it is.
  void set_thresholds(const Thresholds& thresholds) { thresholds_ = thresholds; }

  /// True if up or down or the role is another than before, or it is the first verdict.
  bool on_verdict(const Verdict& verdict);

  /// False until the first verdict.
  [[nodiscard]] bool known() const { return known_; }
  [[nodiscard]] bool up() const { return standing_.reachable; }
  /// Some verdicts point the other way, but not enough of them yet.
  [[nodiscard]] bool in_transition() const { return contrary_ > 0; }
  /// What to act on: while up, what the backend said last (role, epoch, lag), also across failures that do not count
  /// yet; while down, nothing but the reason. The reason is the latest verdict's.
  [[nodiscard]] const Verdict& standing() const { return standing_; }

 private:
  void take(const Verdict& verdict);

  Thresholds thresholds_;
  bool known_ = false;
  std::uint32_t contrary_ = 0;  // verdicts in a row against the present state
  Verdict standing_;
};

}  // namespace tandem::healthcheck
