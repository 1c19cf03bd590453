#pragma once

#include <optional>

#include "base/time.hpp"
#include "healthcheck/options.hpp"

namespace tandem::config {

/// The longest that something may go unnoticed with the probe's settings, jitter of 10 % included, when no traffic
/// hits the backend (a connect that fails under traffic is noticed sooner).
struct Detection {
  Duration refused{0};                  // a dead backend whose machine refuses connections
  Duration silent{0};                   // one that answers nothing: every probe takes its whole timeout
  std::optional<Duration> new_primary;  // from its promotion, while there is none, to the start of the probe that tells

  friend bool operator==(const Detection&, const Detection&) = default;
};

Detection detection(const healthcheck::ProbeOptions& probe);

}  // namespace tandem::config
