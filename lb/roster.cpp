#include "lb/roster.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.hpp"
#include "base/text.hpp"

namespace tandem::lb {

namespace {

Cluster* find_cluster(const std::vector<std::unique_ptr<Cluster>>& clusters, std::string_view name) {
  const auto found =
      std::find_if(clusters.begin(), clusters.end(), [&](const auto& cluster) { return cluster->name == name; });
  return found == clusters.end() ? nullptr : found->get();
}

/// Sessions that a pool had under its former options may be with backends that are not its writer.
void let_linger(Pool& pool) {
  if (const auto holder = pool.tenure.holder()) {
    pool.tenure.linger(*holder);
  }
  if (pool.view) {
    for (const Candidate& candidate : pool.view->candidates) {
      pool.tenure.linger(candidate.backend->id);
    }
  }
}

}  // namespace

void Roster::configure(std::span<const ClusterOptions> clusters, std::span<const PoolOptions> pools) {
  forget_names();
  std::vector<std::unique_ptr<Cluster>> clusters_before = std::exchange(clusters_, {});
  std::unordered_map<std::string_view, std::unique_ptr<Cluster>*> cluster_by_name;
  for (std::unique_ptr<Cluster>& cluster : clusters_before) {
    cluster_by_name.emplace(cluster->name, &cluster);
  }
  for (const ClusterOptions& options : clusters) {
    const auto found = cluster_by_name.find(options.name);
    if (found != cluster_by_name.end()) {
      clusters_.push_back(std::move(*found->second));
      cluster_by_name.erase(found);
    } else {
      clusters_.push_back(std::make_unique<Cluster>());
      clusters_.back()->id = ClusterId{++last_id_};
      clusters_.back()->name = options.name;
    }
    take_cluster(*clusters_.back(), options);
  }

  std::vector<std::unique_ptr<Pool>> pools_before = std::exchange(pools_, {});
  for (const PoolOptions& options : pools) {
    const auto found = std::find_if(pools_before.begin(), pools_before.end(),
                                    [&](const auto& pool) { return pool && pool->options->name == options.name; });
    if (found != pools_before.end()) {
      pools_.push_back(std::move(*found));
    } else {
      pools_.push_back(std::make_unique<Pool>());
      pools_.back()->id = PoolId{++last_id_};
      pools_.back()->state = std::make_shared<PoolState>(workers_);
    }
    take_pool(*pools_.back(), options);
  }
  for (const std::unique_ptr<Pool>& pool : pools_) {
    pool->fallback.reset();
    for (const std::unique_ptr<Pool>& other : pools_) {
      if (!pool->options->fallback.empty() && other->options->name == pool->options->fallback) {
        pool->fallback = other->id;
      }
    }
  }
  for (const std::unique_ptr<Cluster>& gone : clusters_before) {
    for (const BackendStatus* member : gone ? gone->members : std::vector<BackendStatus*>{}) {
      remove_backend(member->id);
    }
  }
}

void Roster::take_cluster(Cluster& cluster, const ClusterOptions& options) {
  std::unordered_map<std::string_view, BackendStatus*> before;
  for (BackendStatus* member : cluster.members) {
    before.emplace(member->backend->name, member);
  }
  std::vector<BackendStatus*> members;
  std::vector<BackendStatus*> newcomers;
  for (const BackendOptions& one : options.backends) {
    const auto found = before.find(one.name);
    if (found != before.end() && found->second->backend->address == one.address) {
      members.push_back(found->second);
      before.erase(found);
    } else {
      members.push_back(add_backend(cluster, one));
      newcomers.push_back(members.back());
    }
    members.back()->options = one;
  }
  if (newcomers.size() == members.size()) {
    cluster.primacy = Primacy();  // other servers altogether: what the old ones showed says nothing about them
  }
  for (const auto& [name, gone] : before) {
    cluster.primacy.leave(gone->id);
    remove_backend(gone->id);
  }
  for (const BackendStatus* newcomer : newcomers) {
    cluster.primacy.join(newcomer->id, newcomer->backend->name);
  }
  cluster.members = std::move(members);
  cluster.probed = options.probed;
}

BackendStatus* Roster::add_backend(const Cluster& cluster, const BackendOptions& options) {
  auto added = std::make_unique<BackendStatus>();
  added->id = BackendId{++last_id_};
  added->cluster = cluster.id;
  added->backend = std::make_shared<Backend>(added->id, cluster.name, options.name, options.address, workers_);
  BackendStatus* const address = added.get();
  backends_.emplace(added->id, std::move(added));
  return address;
}

void Roster::remove_backend(BackendId backend) {
  names_of_gone_[backend] = name(backend);
  backends_.erase(backend);
}

void Roster::forget_names() {
  std::erase_if(names_of_gone_, [&](const auto& gone) {
    return std::none_of(clusters_.begin(), clusters_.end(),
                        [&](const auto& cluster) { return cluster->primary_before == gone.first; });
  });
}

void Roster::take_pool(Pool& pool, const PoolOptions& options) {
  Cluster* const cluster = find_cluster(clusters_, options.cluster);
  check(cluster != nullptr, "a pool names a cluster that exists");
  if (pool.options && (pool.options->role != options.role || pool.cluster != cluster)) {
    let_linger(pool);
  }
  if (!pool.options || *pool.options != options) {
    pool.options = std::make_shared<const PoolOptions>(options);
  }
  pool.cluster = cluster;
}

BackendStatus* Roster::backend(BackendId backend) const {
  const auto found = backends_.find(backend);
  return found == backends_.end() ? nullptr : found->second.get();
}

Cluster& Roster::cluster_of(const BackendStatus& backend) const {
  const auto found = std::find_if(clusters_.begin(), clusters_.end(),
                                  [&](const auto& cluster) { return cluster->id == backend.cluster; });
  check(found != clusters_.end(), "a backend's cluster exists as long as it");
  return **found;
}

std::string Roster::name(BackendId id) const {
  if (const BackendStatus* found = backend(id)) {
    return found->backend->name;
  }
  const auto gone = names_of_gone_.find(id);
  return gone == names_of_gone_.end() ? concat("#", number(id)) : gone->second;
}

}  // namespace tandem::lb
