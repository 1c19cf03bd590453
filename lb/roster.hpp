#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "lb/options.hpp"
#include "lb/pools.hpp"
#include "lb/primacy.hpp"
#include "lb/snapshot.hpp"
#include "lb/tenure.hpp"

namespace tandem::lb {

/// What is known of one cluster.
struct Cluster {
  ClusterId id{};
  std::string name;
  bool probed = true;
  std::vector<BackendStatus*> members;  // in the file's order; the roster owns them
  Primacy primacy;
  Primacy::Outcome outcome;
  std::optional<BackendId> primary;
  std::optional<BackendId> primary_before;  // the last there was
  std::optional<Instant> without_since;     // when that one was lost
  std::uint64_t primary_changes = 0;
};

/// What is known of one pool.
struct Pool {
  PoolId id{};
  std::shared_ptr<const PoolOptions> options;
  std::shared_ptr<PoolState> state;
  Cluster* cluster = nullptr;
  std::optional<PoolId> fallback;
  Tenure tenure;  // of a write pool
  std::shared_ptr<const PoolView> view;
  bool announced_empty = false;  // people were told that nobody is left
};

/// Who exists: clusters, their backends, and pools, with ids that are never used twice. What keeps its name (a backend
/// also its address) keeps its id and everything that is known of it.
class Roster {
 public:
  explicit Roster(std::size_t workers) : workers_(workers) {}

  /// Takes new options by difference.
  void configure(std::span<const ClusterOptions> clusters, std::span<const PoolOptions> pools);

  [[nodiscard]] const std::vector<std::unique_ptr<Cluster>>& clusters() const { return clusters_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Pool>>& pools() const { return pools_; }
  /// Null for an id that is gone or never was.
  [[nodiscard]] BackendStatus* backend(BackendId backend) const;
  [[nodiscard]] Cluster& cluster_of(const BackendStatus& backend) const;
  /// A name for people, also of those that the last configure() removed and of former primaries; else the number.
  [[nodiscard]] std::string name(BackendId backend) const;

 private:
  void take_cluster(Cluster& cluster, const ClusterOptions& options);
  void take_pool(Pool& pool, const PoolOptions& options);
  void remove_backend(BackendId backend);
  void forget_names();
  BackendStatus* add_backend(const Cluster& cluster, const BackendOptions& options);

  std::size_t workers_;
  std::uint32_t last_id_ = 0;  // of clusters, backends and pools alike
  std::vector<std::unique_ptr<Cluster>> clusters_;
  std::vector<std::unique_ptr<Pool>> pools_;
  std::unordered_map<BackendId, std::unique_ptr<BackendStatus>> backends_;
  std::unordered_map<BackendId, std::string> names_of_gone_;  // that may still be told of
};

}  // namespace tandem::lb
