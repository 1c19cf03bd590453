#pragma once

#include <functional>

#include "base/time.hpp"
#include "healthcheck/verdict.hpp"

namespace tandem::healthcheck {

/// Whether a failed probe says something about the backend.
enum class Evidence {
  counts,
  none,  // our own machine could not probe, for want of descriptors or memory
};

/// One run of one health check. Made by a ProbeRecipe, started once; keeps itself alive while it works, also for its
/// polite ending after the verdict. All calls and the callback are on the io_context's thread.
class Probe {
 public:
  using Done = std::function<void(const Verdict&, Evidence)>;

  virtual ~Probe() = default;
  /// Calls `done` once, perhaps before it returns, and within the timeout, not counting waits for a turn.
  virtual void start(Instant now, Done done) = 0;
  /// Stops at once, also in the polite ending; `done` is not called any more.
  virtual void cancel() = 0;

 protected:
  Probe() = default;
  Probe(const Probe&) = default;
  Probe& operator=(const Probe&) = default;
};

}  // namespace tandem::healthcheck
