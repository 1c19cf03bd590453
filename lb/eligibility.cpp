#include "lb/eligibility.hpp"

#include <algorithm>

#include "lb/balance/maglev.hpp"

namespace tandem::lb {

namespace {

bool takes_sessions(const BackendStatus& member) {
  return member.admin_state == AdminState::ready && member.options.weight > 0;
}

bool is_up(const BackendStatus& member) { return member.standing.known && member.standing.up; }

bool has_role(const PoolOptions& pool, const BackendStatus& member) {
  return pool.role == PoolRole::any ||
         (member.standing.role == Role::replica && member.standing.takes_reads && within_lag(pool, member.standing));
}

/// The smaller of two limits of which 0 is none.
std::uint32_t stricter(std::uint32_t one, std::uint32_t other) {
  return one == 0 || other == 0 ? std::max(one, other) : std::min(one, other);
}

Candidate make_candidate(const PoolOptions& pool, const BackendStatus& member) {
  return {member.backend, member.options.weight, member.options.tier,
          stricter(member.options.max_connections, pool.max_connections_per_backend), member.standing.role};
}

void sort_by_tier(std::vector<Candidate>& candidates) {
  const auto by_tier = [](const Candidate& left, const Candidate& right) { return left.tier < right.tier; };
  if (!std::is_sorted(candidates.begin(), candidates.end(), by_tier)) {
    std::stable_sort(candidates.begin(), candidates.end(), by_tier);
  }
}

std::span<const Candidate> lowest_tier(std::span<const Candidate> candidates) {
  const auto end = std::find_if(candidates.begin(), candidates.end(),
                                [&](const Candidate& one) { return one.tier != candidates.front().tier; });
  return candidates.first(static_cast<std::size_t>(end - candidates.begin()));
}

bool same_candidate(const Candidate& left, const Candidate& right) {
  return left.backend == right.backend && left.weight == right.weight && left.tier == right.tier &&
         left.max_connections == right.max_connections && left.role == right.role;
}

}  // namespace

bool within_lag(const PoolOptions& pool, const Standing& standing) {
  const bool bytes_fit = !pool.max_lag_bytes || (standing.lag_bytes && *standing.lag_bytes <= *pool.max_lag_bytes);
  const bool time_fits = !pool.max_lag_time || (standing.lag_time && *standing.lag_time <= *pool.max_lag_time);
  return bytes_fit && time_fits;
}

Eligible eligible(const PoolOptions& pool, std::span<BackendStatus* const> members, bool probed) {
  Eligible result;
  result.candidates.reserve(members.size());
  const bool counts_as_up = !probed && pool.role == PoolRole::any;
  for (const BackendStatus* member : members) {
    if ((counts_as_up || (is_up(*member) && has_role(pool, *member))) && takes_sessions(*member)) {
      result.candidates.push_back(make_candidate(pool, *member));
    }
  }
  const bool all_down = std::all_of(members.begin(), members.end(), [](const BackendStatus* member) {
    return member->standing.known && !member->standing.up;
  });
  if (pool.when_none_healthy == WhenNoneHealthy::try_all && pool.role == PoolRole::any && probed && all_down) {
    for (const BackendStatus* member : members) {
      if (takes_sessions(*member)) {
        result.candidates.push_back(make_candidate(pool, *member));
      }
    }
    result.fail_open = !result.candidates.empty();
  }
  sort_by_tier(result.candidates);
  return result;
}

Eligible eligible_writer(const PoolOptions& pool, std::span<BackendStatus* const> members,
                         std::optional<BackendId> writer) {
  Eligible result;
  for (const BackendStatus* member : members) {
    if (member->id == writer && is_up(*member) && member->standing.role == Role::primary && takes_sessions(*member)) {
      result.candidates.push_back(make_candidate(pool, *member));
    }
  }
  return result;
}

std::shared_ptr<const balance::MaglevTable> maglev_table(const PoolOptions& pool, std::span<const Candidate> candidates,
                                                         const PoolView* before) {
  if (pool.balance != Balance::maglev || candidates.empty()) {
    return nullptr;
  }
  const std::span<const Candidate> tier = lowest_tier(candidates);
  if (before != nullptr && before->maglev && !before->candidates.empty()) {
    const std::span<const Candidate> tier_before = lowest_tier(before->candidates);
    if (std::equal(tier.begin(), tier.end(), tier_before.begin(), tier_before.end(),
                   [](const Candidate& left, const Candidate& right) {
                     return left.backend->name == right.backend->name && left.weight == right.weight;
                   })) {
      return before->maglev;
    }
  }
  std::vector<balance::MaglevTable::Share> shares;
  shares.reserve(tier.size());
  for (const Candidate& candidate : tier) {
    shares.push_back({balance::hash_name(candidate.backend->name), candidate.weight});
  }
  return std::make_shared<const balance::MaglevTable>(shares);
}

bool same(const PoolView& left, const PoolView& right) {
  return left.id == right.id && left.generation == right.generation && left.options == right.options &&
         left.state == right.state && left.fallback == right.fallback && left.fail_open == right.fail_open &&
         left.maglev == right.maglev &&
         std::equal(left.candidates.begin(), left.candidates.end(), right.candidates.begin(), right.candidates.end(),
                    same_candidate);
}

}  // namespace tandem::lb
