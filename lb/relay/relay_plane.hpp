#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/address.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "lb/forward_plane.hpp"
#include "lb/relay/crew.hpp"

namespace tandem::lb::relay {

class Worker;

/// The user-space plane: `workers` threads that accept, choose, connect and copy. All functions are for the control
/// thread. Listeners are opened and snapshots published between start() and stop().
class RelayPlane final : public ForwardPlane {
 public:
  /// `on_connect_failed` is called on worker threads and must not block.
  RelayPlane(const RelayOptions& options, Log log, std::function<void(const ConnectFailed&)> on_connect_failed);
  /// Stops.
  ~RelayPlane() override;
  RelayPlane(const RelayPlane&) = delete;
  RelayPlane& operator=(const RelayPlane&) = delete;

  void start();
  /// Ends every session with cause `shutdown` and joins the threads. What was published and not yet carried out is
  /// not confirmed any more.
  void stop();

  Result<void> open(const ListenerSpec& spec) override;
  void update(const ListenerSpec& spec) override;
  /// Returns when every worker has closed its sockets, so that the address is free again.
  void close(ListenerId listener) override;
  /// From now on, one session in `count` has a line in the log; 0: none.
  void log_one_in(std::uint32_t count);
  /// Closes all listeners.
  void stop_accepting();
  void publish(std::shared_ptr<const Snapshot> snapshot, std::vector<Sever> severs,
               std::function<void()> applied) override;

  [[nodiscard]] std::uint64_t sessions(BackendId backend) const override;
  /// Of all workers, clients that wait included; a recent value.
  [[nodiscard]] std::uint64_t sessions() const;
  [[nodiscard]] const metrics::PerWorker<WorkerStats>& worker_stats() const override;
  [[nodiscard]] Instant heartbeat(std::size_t worker) const override;
  /// Where a listener really listens: with the ports that the kernel chose where 0 was asked for.
  [[nodiscard]] std::vector<Endpoint> endpoints(ListenerId listener) const;

 private:
  void post(WorkerId worker, Command command);
  void remember_backends(const Snapshot& snapshot);

  std::unique_ptr<Crew> crew_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unordered_map<ListenerId, std::vector<Endpoint>> listeners_;
  std::unordered_map<BackendId, std::weak_ptr<Backend>> backends_;
  enum class Stage { fresh, running, stopped };
  Stage stage_ = Stage::fresh;
};

}  // namespace tandem::lb::relay
