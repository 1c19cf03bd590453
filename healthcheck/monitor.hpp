#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "healthcheck/target.hpp"
#include "healthcheck/verdict.hpp"
#include "metrics/counter.hpp"
#include "metrics/histogram.hpp"

namespace tandem::healthcheck {

/// What the tracker made of a probe: sent for every probe that is evidence, changed or not, so that lag and epoch stay
/// fresh. A failure that our own machine caused is none: it is counted as late, and nothing is sent.
struct Report {
  BackendId backend{};
  bool up = false;       // after rise and fall
  bool changed = false;  // `up` or the role in `standing` is another than in the report before, or it is the first
  Verdict verdict;       // of this probe alone
  /// What to act on. While up: what the backend said last, also across failures that do not count yet, but a role that
  /// it gives up itself is gone at once. While down: nothing but the reason. `reachable` is `up`.
  Verdict standing;
  Duration probe_duration{0};
  Duration lateness{0};  // how long after its time the probe began
  Instant at{};
};

/// What one cluster's probes counted. The health thread writes, any thread reads.
struct ProbeStats {
  metrics::Counter succeeded;
  metrics::Counter failed;
  metrics::Counter late;  // discarded: our own machine delayed them
  metrics::DurationHistogram duration;
};

/// Probes every target for ever. Lives on the thread that runs `context`; all calls and callbacks are made there.
class Monitor {
 public:
  using OnReport = std::function<void(const Report&)>;

  Monitor(boost::asio::io_context& context, std::uint64_t seed, Log log, OnReport on_report);
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  /// Takes new targets by difference: the trackers of unchanged ids stay, also under other probe options.
  void set_targets(std::vector<Target> targets);
  /// Probes at once, at most once per fast_interval and backend: real traffic saw it fail.
  void probe_now(BackendId backend);
  /// While urgent, every member of the cluster is probed at fast_interval.
  void set_urgent(ClusterId cluster, bool urgent);
  /// Counters by cluster; made when the first target of a cluster comes, kept as long as the monitor lives.
  [[nodiscard]] std::shared_ptr<const ProbeStats> stats(ClusterId cluster) const;
  /// Ends all probes politely; no report comes afterwards.
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tandem::healthcheck
