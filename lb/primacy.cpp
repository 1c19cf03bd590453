#include "lb/primacy.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace tandem::lb {

namespace {

constexpr Duration kSamePromotion = std::chrono::seconds(2);  // two nodes see one promotion at slightly different times

}  // namespace

void Primacy::join(BackendId backend, std::string_view name) { members_[backend].name = name; }

void Primacy::leave(BackendId backend) {
  members_.erase(backend);
  if (chosen_ == backend) {
    chosen_.reset();
  }
}

std::optional<std::uint64_t> Primacy::on_standing(BackendId backend, const Standing& standing, Instant now) {
  const auto found = members_.find(backend);
  if (found == members_.end()) {
    return std::nullopt;
  }
  Member& member = found->second;
  std::optional<std::uint64_t> epoch_before;
  if (standing.epoch) {
    epoch_before = member.epoch && *standing.epoch < *member.epoch ? member.epoch : std::nullopt;
    member.epoch = standing.epoch;
    if (member.mark_epoch && *member.epoch > *member.mark_epoch) {
      member.mark = Member::Mark::none;
    }
  }
  const bool in_sight = standing.known && standing.up;
  member.claims = in_sight && standing.role == Role::primary;
  if (!in_sight) {
    // Whatever happens to it now happens unseen: when it comes back as primary, that is no promotion we saw.
    member.role_in_sight = Role::none;
    member.promotion = 0;
  } else if (standing.role == Role::primary) {
    on_primary(backend, member, now);
  } else if (standing.role == Role::replica) {
    member.role_in_sight = Role::replica;
    member.role_last = Role::replica;
    member.promotion = 0;
    member.told_at.reset();
    member.mark = Member::Mark::none;
  }
  return epoch_before;
}

void Primacy::on_primary(BackendId backend, Member& member, Instant now) {
  const bool promoted = member.role_in_sight == Role::replica;
  member.role_in_sight = Role::primary;
  member.role_last = Role::primary;
  const std::optional<Instant> told_at = std::exchange(member.told_at, std::nullopt);
  if (promoted) {
    count_promotion(backend, member, now);
  } else if (told_at && is_news(*told_at)) {
    member.mark = Member::Mark::none;
    count_promotion(backend, member, *told_at);
  }
}

void Primacy::on_peer_promotion(BackendId backend, Instant when) {
  const auto found = members_.find(backend);
  if (found == members_.end() || !is_news(when)) {
    return;
  }
  Member& member = found->second;
  if (!member.claims) {
    member.told_at = when;
    return;
  }
  if (member.mark == Member::Mark::outranked) {
    member.mark = Member::Mark::none;
  }
  count_promotion(backend, member, when);
}

/// Later than the promotions of all that say primary, as far as they were seen.
bool Primacy::is_news(Instant promoted) const {
  return std::all_of(members_.begin(), members_.end(), [&](const auto& entry) {
    const Member& member = entry.second;
    return !member.claims || member.promotion == 0 || member.promoted_at + kSamePromotion < promoted;
  });
}

std::optional<BackendId> Primacy::last_promoted() const {
  std::optional<BackendId> last;
  std::uint64_t promotion = 0;
  for (const auto& [id, member] : members_) {
    if (member.claims && member.promotion > promotion) {
      promotion = member.promotion;
      last = id;
    }
  }
  return last;
}

void Primacy::count_promotion(BackendId backend, Member& member, Instant when) {
  member.promotion = ++promotions_;
  member.promoted_at = when;
  for (auto& [id, other] : members_) {
    const bool has_higher_epoch = other.epoch && member.epoch && *other.epoch > *member.epoch;
    if (id != backend && other.role_last == Role::primary && !has_higher_epoch &&
        other.mark != Member::Mark::overruled) {
      mark(other, Member::Mark::outranked, member);
    }
  }
}

void Primacy::mark(Member& member, Member::Mark mark, const Member& by) {
  member.mark = mark;
  member.mark_epoch = member.epoch;
  if (mark == Member::Mark::outranked) {
    member.mark_epoch = std::max(member.epoch, by.epoch);
  }
  member.marked_by = by.name;
}

Result<void> Primacy::promote(BackendId backend) {
  const auto found = members_.find(backend);
  if (found == members_.end() || !found->second.claims) {
    return Error{"it does not say that it is primary"};
  }
  Member& member = found->second;
  member.mark = Member::Mark::none;
  epoch_max_ = member.epoch;
  chosen_ = backend;
  for (auto& [id, other] : members_) {
    if (id != backend && other.role_last == Role::primary) {
      mark(other, Member::Mark::overruled, member);
    }
  }
  return {};
}

Primacy::Contenders Primacy::admissible() const {
  Contenders contenders;
  for (const auto& [id, member] : members_) {
    const bool is_behind = member.epoch && epoch_max_ && *member.epoch < *epoch_max_;
    // Who sits there and shows a lower epoch than before was restored in place: there is nobody newer to write to.
    if (member.claims && member.mark != Member::Mark::overruled && (!is_behind || sitting_ == id)) {
      contenders.emplace_back(id, &member);
    }
  }
  return contenders;
}

Primacy::Outcome Primacy::judge() {
  Outcome outcome;
  for (const auto& [id, member] : members_) {
    if (!member.claims) {
      continue;
    }
    outcome.claimants.push_back(id);
    if (member.mark != Member::Mark::overruled) {
      epoch_max_ = std::max(epoch_max_, member.epoch);
    }
  }
  if (!outcome.in_conflict()) {
    chosen_.reset();
  }
  const auto is_claimant = [&](BackendId id) {
    return std::find(outcome.claimants.begin(), outcome.claimants.end(), id) != outcome.claimants.end();
  };
  if (chosen_ && is_claimant(*chosen_)) {
    outcome.newest = outcome.unopposed = chosen_;
    outcome.reason = concat("an operator chose ", members_[*chosen_].name);
  } else {
    settle(admissible(), outcome);
    outcome.unopposed = outcome.in_conflict() ? std::nullopt : outcome.newest;
  }
  sitting_ = outcome.newest;
  return outcome;
}

void Primacy::settle(Contenders contenders, Outcome& outcome) const {
  std::optional<std::uint64_t> epoch;
  for (const auto& contender : contenders) {
    epoch = std::max(epoch, contender.second->epoch);
  }
  std::erase_if(contenders, [&](const auto& one) { return one.second->epoch && *one.second->epoch < *epoch; });
  if (contenders.size() == 1 && has_lower_epoch_claimant(epoch)) {
    outcome.newest = contenders[0].first;
    outcome.reason = concat(contenders[0].second->name, " has the highest epoch, ", *epoch);
    return;
  }
  std::erase_if(contenders, [](const auto& one) { return one.second->mark == Member::Mark::outranked; });
  if (contenders.empty()) {
    outcome.refused = !outcome.claimants.empty();
    outcome.reason = refusal();
    return;
  }
  const auto latest = std::max_element(contenders.begin(), contenders.end(), [](const auto& left, const auto& right) {
    return left.second->promotion < right.second->promotion;
  });
  if (contenders.size() > 1 && latest->second->promotion == 0) {
    outcome.reason = "no epoch and no promotion that was seen tells which is newer";
    return;
  }
  outcome.newest = latest->first;
  if (!outcome.in_conflict()) {
    return;
  }
  if (contenders.size() == 1 && was_chosen_before(*latest->second)) {
    outcome.reason = concat("an operator chose ", latest->second->name);
    return;
  }
  outcome.reason = latest->second->promotion > 0 ? concat(latest->second->name, " was promoted last")
                                                 : concat("the others lost to a newer primary before");
}

bool Primacy::was_chosen_before(const Member& winner) const {
  return std::any_of(members_.begin(), members_.end(), [&](const auto& entry) {
    const Member& member = entry.second;
    return member.claims && member.mark == Member::Mark::overruled && member.marked_by == winner.name;
  });
}

bool Primacy::has_lower_epoch_claimant(std::optional<std::uint64_t> epoch) const {
  return epoch && std::any_of(members_.begin(), members_.end(), [&](const auto& entry) {
           const Member& member = entry.second;
           return member.claims && member.mark != Member::Mark::overruled && member.epoch && *member.epoch < *epoch;
         });
}

std::string Primacy::refusal() const {
  for (const auto& [id, member] : members_) {
    if (!member.claims) {
      continue;
    }
    if (member.mark == Member::Mark::overruled) {
      return concat(member.name, " says primary, but an operator chose ", member.marked_by);
    }
    if (member.mark == Member::Mark::outranked) {
      return concat(member.name, " says primary, but ", member.marked_by, " was promoted after it");
    }
    if (member.epoch && epoch_max_ && *member.epoch < *epoch_max_) {
      return concat(member.name, " says primary at epoch ", *member.epoch, ", but a primary at epoch ", *epoch_max_,
                    " was seen");
    }
  }
  return "nobody says primary";
}

}  // namespace tandem::lb
