#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "base/address.hpp"
#include "base/ids.hpp"
#include "lb/outcome.hpp"
#include "metrics/counter.hpp"

namespace tandem::lb {

/// What workers count of one backend, one of these per worker.
struct BackendStats {
  metrics::Counter connections;  // established
  std::array<metrics::Counter, kConnectFailureNames.size()> connect_failures;
};

/// One backend as the workers see it: who it is, which never changes, and what all workers share. A backend whose
/// address changes is a new Backend. Lives until its last session is gone.
class Backend {
 public:
  Backend(BackendId backend, std::string cluster_name, std::string backend_name, const Endpoint& endpoint,
          std::size_t workers)
      : id(backend),
        cluster(std::move(cluster_name)),
        name(std::move(backend_name)),
        address(endpoint),
        stats(workers) {}

  const BackendId id;
  const std::string cluster;
  const std::string name;
  const Endpoint address;

  metrics::PerWorker<BackendStats> stats;

  /// Sessions and connects under way, of all workers and pools. Its own cache line: every worker writes it.
  alignas(metrics::kCacheLine) std::atomic<std::uint32_t> active{0};
};

}  // namespace tandem::lb
