#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lb/selector.hpp"
#include "lb/snapshot.hpp"

namespace tandem::lb::test {

struct Member {
  std::string name;
  std::uint32_t weight = 100;
  std::uint32_t tier = 0;
  std::uint32_t max_connections = 0;
};

inline std::shared_ptr<Backend> make_backend(std::uint32_t id, const std::string& name) {
  return std::make_shared<Backend>(BackendId{id}, "cluster", name, Endpoint{IpAddress(), 80}, std::size_t{1});
}

/// Candidates with ids 1, 2, 3, ... in the given order, which must be by tier.
inline std::vector<Candidate> make_candidates(const std::vector<Member>& members) {
  std::vector<Candidate> candidates;
  for (const Member& member : members) {
    candidates.push_back({make_backend(static_cast<std::uint32_t>(candidates.size() + 1), member.name), member.weight,
                          member.tier, member.max_connections, Role::none});
  }
  return candidates;
}

inline std::shared_ptr<PoolView> make_pool(std::uint32_t id, PoolOptions options, std::vector<Candidate> candidates) {
  auto pool = std::make_shared<PoolView>();
  pool->id = PoolId{id};
  pool->options = std::make_shared<const PoolOptions>(std::move(options));
  pool->state = std::make_shared<PoolState>(1);
  pool->candidates = std::move(candidates);
  return pool;
}

inline std::shared_ptr<const Snapshot> make_snapshot(std::initializer_list<std::shared_ptr<PoolView>> pools) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->version = 1;
  for (const std::shared_ptr<PoolView>& pool : pools) {
    snapshot->pools.emplace(pool->id, pool);
  }
  return snapshot;
}

}  // namespace tandem::lb::test
