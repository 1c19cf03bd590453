#include "lb/balance/round_robin.hpp"

#include <numeric>

namespace tandem::lb::balance {

void RoundRobin::adopt(std::span<const Candidate> candidates, std::uint32_t skip) {
  const bool is_new = ids_.empty();
  std::unordered_map<BackendId, std::int64_t> before;
  for (std::size_t index = 0; index < ids_.size(); ++index) {
    before.emplace(ids_[index], credit_[index]);
  }
  ids_.clear();
  credit_.clear();
  for (const Candidate& candidate : candidates) {
    const auto found = before.find(candidate.backend->id);
    ids_.push_back(candidate.backend->id);
    credit_.push_back(found == before.end() ? 0 : found->second);
  }
  if (candidates.empty()) {
    return;
  }
  // Who left took its credit along. Spread over the others, so that newcomers, who begin at 0, begin at the middle.
  const std::int64_t mean =
      std::accumulate(credit_.begin(), credit_.end(), std::int64_t{0}) / static_cast<std::int64_t>(credit_.size());
  for (std::int64_t& credit : credit_) {
    credit -= mean;
  }
  if (is_new) {
    for (std::uint32_t turn = 0; turn < skip % candidates.size(); ++turn) {
      choose(Tier{candidates, {}}, 0);
    }
  }
}

const Candidate* RoundRobin::choose(const Tier& tier, std::size_t begin) noexcept {
  std::int64_t earned = 0;
  std::size_t best = tier.candidates.size();
  for (std::size_t index = 0; index < tier.candidates.size(); ++index) {
    const Candidate& candidate = tier.candidates[index];
    if (!tier.usable(candidate)) {
      continue;
    }
    std::int64_t& credit = credit_[begin + index];
    credit += candidate.weight;
    earned += candidate.weight;
    if (best == tier.candidates.size() || credit > credit_[begin + best]) {
      best = index;
    }
  }
  if (best == tier.candidates.size()) {
    return nullptr;
  }
  credit_[begin + best] -= earned;
  return &tier.candidates[best];
}

}  // namespace tandem::lb::balance
