#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "healthcheck/monitor.hpp"

namespace tandem::app {

/// The thread that probes. Everything is posted to it; reports come back through `on_report`, called there.
class HealthThread {
 public:
  HealthThread(std::uint64_t seed, Log log, healthcheck::Monitor::OnReport on_report);
  /// Ends the probes and the thread.
  ~HealthThread();
  HealthThread(const HealthThread&) = delete;
  HealthThread& operator=(const HealthThread&) = delete;

  void set_targets(std::vector<healthcheck::Target> targets);
  void probe_now(std::vector<BackendId> backends);
  void set_urgent(ClusterId cluster, bool urgent);
  /// Waits for the health thread's answer, a turn of its loop.
  [[nodiscard]] std::vector<std::shared_ptr<const healthcheck::ProbeStats>> stats(std::vector<ClusterId> clusters);

 private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  healthcheck::Monitor monitor_;
  std::thread thread_;
};

}  // namespace tandem::app
