#include "app/changeover.hpp"

#include <algorithm>

namespace tandem::app {

std::vector<config::Cluster> old_and_new_clusters(const config::Config& old, const config::Config& next) {
  std::vector<config::Cluster> both = old.clusters;
  for (const config::Cluster& cluster : next.clusters) {
    const auto same = [&](const config::Cluster& other) { return other.options.name == cluster.options.name; };
    if (std::none_of(old.clusters.begin(), old.clusters.end(), same)) {
      both.push_back(cluster);
    }
  }
  return both;
}

std::vector<lb::PoolOptions> old_and_new_pools(const config::Config& old, const config::Config& next) {
  std::vector<lb::PoolOptions> both = old.pools;
  for (const lb::PoolOptions& pool : next.pools) {
    const auto same = [&](const lb::PoolOptions& other) { return other.name == pool.name; };
    if (std::none_of(old.pools.begin(), old.pools.end(), same)) {
      both.push_back(pool);
    }
  }
  return both;
}

std::set<IpAddress> virtual_addresses(const config::Config& config) {
  std::set<IpAddress> out;
  for (const vrrp::Options& instance : config.vrrp) {
    for (const vrrp::VirtualAddress& address : instance.addresses) {
      out.insert(address.address);
    }
  }
  return out;
}

}  // namespace tandem::app
