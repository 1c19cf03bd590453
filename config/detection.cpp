#include "config/detection.hpp"

#include <algorithm>
#include <variant>

namespace tandem::config {

namespace {

/// Intervals are jittered by up to a tenth.
Duration at_most(Duration interval) { return interval + interval / 10; }

}  // namespace

Detection detection(const healthcheck::ProbeOptions& probe) {
  // The backend dies right after a success. The first failure begins one interval after that success began; each
  // further one a fast interval after the one before began, or when that one ended, if that is later.
  const Duration first = at_most(probe.interval);
  const Duration fast = at_most(probe.fast_interval);
  const auto further = static_cast<Duration::rep>(probe.fall) - 1;
  Detection out;
  out.refused = first + further * fast;
  out.silent = first + further * std::max(fast, probe.timeout) + probe.timeout;
  if (std::holds_alternative<healthcheck::PatroniProbeOptions>(probe.kind)) {
    out.new_primary = fast;
  }
  return out;
}

}  // namespace tandem::config
