#include "lb/selector.hpp"

#include <algorithm>
#include <unordered_map>

#include "lb/balance/first.hpp"
#include "lb/balance/least_connections.hpp"
#include "lb/balance/maglev.hpp"
#include "lb/balance/power_of_two.hpp"
#include "lb/balance/round_robin.hpp"
#include "lb/balance/tier.hpp"
#include "lb/load.hpp"

namespace tandem::lb {

namespace {

constexpr int kRacesMax = 8;  // slots lost to other workers before every candidate is tried in turn

}  // namespace

struct Selector::Orders {
  std::uint32_t turns = 0;
  std::unordered_map<PoolId, balance::RoundRobin> by_pool;
};

Selector::Selector(std::uint32_t turns)
    : snapshot_(std::make_shared<const Snapshot>()), orders_(std::make_unique<Orders>()) {
  orders_->turns = turns;
}

Selector::~Selector() = default;

void Selector::adopt(std::shared_ptr<const Snapshot> snapshot) {
  std::erase_if(orders_->by_pool, [&](const auto& order) {
    const PoolView* pool = snapshot->find(order.first);
    return pool == nullptr || pool->options->balance != Balance::round_robin;
  });
  for (const auto& [id, pool] : snapshot->pools) {
    if (pool->options->balance != Balance::round_robin) {
      continue;
    }
    const auto [order, is_new] = orders_->by_pool.try_emplace(id);
    if (is_new || snapshot_->find(id) != pool.get()) {
      order->second.adopt(pool->candidates, orders_->turns);
    }
  }
  snapshot_ = std::move(snapshot);
}

std::variant<Selection, Shortage> Selector::select(PoolId entry, const Flow& flow, std::span<const BackendId> tried,
                                                   Random& random, Spill spill) {
  Shortage shortage = Shortage::no_backend;
  const PoolView* pool = snapshot_->find(entry);
  // Chains have no cycle; the count makes sure that a broken promise costs a wrong answer and not a worker.
  for (std::size_t hops = 0; pool != nullptr && hops <= snapshot_->pools.size(); ++hops) {
    if (!pool->candidates.empty()) {
      if (const Candidate* taken = take(*pool, flow, tried, random, spill)) {
        return Selection{taken, pool};
      }
      shortage = Shortage::at_limit;
      if (spill == Spill::no) {
        return shortage;
      }
    }
    pool = pool->fallback ? snapshot_->find(*pool->fallback) : nullptr;
  }
  return shortage;
}

void Selector::release(Backend& backend, PoolState& pool) noexcept {
  // relaxed: counts guard no other memory
  backend.active.fetch_sub(1, std::memory_order_relaxed);
  pool.active.fetch_sub(1, std::memory_order_relaxed);
}

const Candidate* Selector::take(const PoolView& pool, const Flow& flow, std::span<const BackendId> tried,
                                Random& random, Spill spill) {
  if (!reserve(pool.state->active, pool.options->max_connections)) {
    return nullptr;
  }
  const std::span<const Candidate> all(pool.candidates);
  // First among those not tried yet, in whatever tier: after a failed connect another backend is worth more than the
  // right tier. Only when everybody was tried, or is full and the client may wait no longer, everybody again.
  for (const std::span<const BackendId> passed_over : {tried, std::span<const BackendId>{}}) {
    for (auto begin = all.begin(); begin != all.end();) {
      const auto end = std::upper_bound(begin, all.end(), begin->tier,
                                        [](std::uint32_t tier, const Candidate& other) { return tier < other.tier; });
      const balance::Tier tier{{begin, end}, passed_over};
      if (const Candidate* taken = take_in_tier(pool, tier, flow, random)) {
        return taken;
      }
      const bool has_somebody = std::any_of(begin, end, [&](const Candidate& one) { return !tier.is_tried(one); });
      if (has_somebody && spill == Spill::no) {
        pool.state->active.fetch_sub(1, std::memory_order_relaxed);
        return nullptr;
      }
      begin = end;
    }
    if (tried.empty()) {
      break;
    }
  }
  pool.state->active.fetch_sub(1, std::memory_order_relaxed);  // relaxed: as in release()
  return nullptr;
}

const Candidate* Selector::take_in_tier(const PoolView& pool, const balance::Tier& tier, const Flow& flow,
                                        Random& random) {
  for (int race = 0; race < kRacesMax; ++race) {
    const Candidate* chosen = choose(pool, tier, flow, random);
    if (chosen == nullptr || reserve(chosen->backend->active, chosen->max_connections)) {
      return chosen;
    }
  }
  for (const Candidate& candidate : tier.candidates) {
    if (!tier.is_tried(candidate) && reserve(candidate.backend->active, candidate.max_connections)) {
      return &candidate;
    }
  }
  return nullptr;
}

const Candidate* Selector::choose(const PoolView& pool, const balance::Tier& tier, const Flow& flow, Random& random) {
  const std::size_t begin = static_cast<std::size_t>(tier.candidates.data() - pool.candidates.data());
  switch (pool.options->balance) {
    case Balance::first: return balance::first(tier);
    case Balance::power_of_two: return balance::power_of_two(tier, random);
    case Balance::round_robin: {
      const auto order = orders_->by_pool.find(pool.id);
      return order == orders_->by_pool.end() ? balance::first(tier) : order->second.choose(tier, begin);
    }
    case Balance::maglev: {
      const std::uint64_t client = balance::hash_client(flow.client, *pool.options);
      const bool has_table = pool.maglev && begin == 0;
      return has_table ? balance::maglev(tier, *pool.maglev, client) : balance::rendezvous(tier, client);
    }
    case Balance::least_connections: break;
  }
  return balance::least_connections(tier, random);
}

}  // namespace tandem::lb
