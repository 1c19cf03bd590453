#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "lb/options.hpp"
#include "lb/outcome.hpp"
#include "lb/snapshot.hpp"
#include "metrics/counter.hpp"
#include "metrics/histogram.hpp"

namespace tandem::lb {

/// What workers count of one listener, one of these per worker.
struct ListenerStats {
  metrics::Counter connections;  // admitted
  std::array<metrics::Counter, kRejectionNames.size()> rejected;
  metrics::Counter bytes_received;  // from clients
  metrics::Counter bytes_sent;      // to clients
};

/// What all workers share of one listener.
struct ListenerState {
  explicit ListenerState(std::size_t workers) : stats(workers) {}

  metrics::PerWorker<ListenerStats> stats;
  alignas(metrics::kCacheLine) std::atomic<std::uint32_t> active{0};  // sessions
};

/// Whether this host always has a listener's addresses, or has them only now and then, as virtual ones.
enum class Residence : std::uint8_t { fixed, virtual_address };

/// A listener as a plane carries it. Its binds never change: other binds are another listener.
struct ListenerSpec {
  ListenerId id{};
  std::shared_ptr<const ListenerOptions> options;
  PoolId pool{};
  std::shared_ptr<ListenerState> state;
  Residence residence = Residence::fixed;
};

/// What a worker counts of itself.
struct WorkerStats {
  metrics::DurationHistogram loop_duration;  // of one turn, without the wait
  metrics::Gauge sessions;
  metrics::Counter mailbox_overflows;
};

/// Real traffic saw a backend fail; the health thread should look at once.
struct ConnectFailed {
  BackendId backend{};
  ConnectFailure failure = ConnectFailure::refused;
};

/// Who carries sessions: the relay now, a kernel plane later. Called on the control thread; returns at once unless it
/// says otherwise.
class ForwardPlane {
 public:
  virtual ~ForwardPlane() = default;

  /// Opens the listener's sockets, one per worker and address: all or none. The error names the address and the cause.
  /// Waits until every worker listens.
  virtual Result<void> open(const ListenerSpec& spec) = 0;
  /// Other options, other pool, same binds. Sessions take new timeouts at once and keep their pool.
  virtual void update(const ListenerSpec& spec) = 0;
  /// Accepts what is in the backlog, then listens no more. Sessions go on; a Sever ends them.
  virtual void close(ListenerId listener) = 0;
  /// Makes every worker use `snapshot`, then carry out `severs`; calls `applied` (on any thread) when all have done
  /// both. Severs that are spread over a time count as carried out when they have begun.
  virtual void publish(std::shared_ptr<const Snapshot> snapshot, std::vector<Sever> severs,
                       std::function<void()> applied) = 0;
  /// Sessions that match, of all workers; a recent value.
  [[nodiscard]] virtual std::uint64_t sessions(BackendId backend) const = 0;
  [[nodiscard]] virtual const metrics::PerWorker<WorkerStats>& worker_stats() const = 0;
  /// When a worker, of as many as there are in worker_stats(), last began a turn; at least every 200 ms while all is
  /// well. Any thread.
  [[nodiscard]] virtual Instant heartbeat(std::size_t worker) const = 0;
};

}  // namespace tandem::lb
