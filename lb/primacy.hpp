#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/role.hpp"
#include "lb/options.hpp"
#include "lb/pools.hpp"

namespace tandem::lb {

/// Which member of one cluster is the writer, judged from what all of them say. At most one, and never in turns: a
/// primary that lost to a newer one stays out until it is seen as a replica, shows a newer epoch, or is promoted by an
/// operator, even when it is the only one left. Pure.
class Primacy {
 public:
  struct Outcome {
    std::vector<BackendId> claimants;    // all that say primary; more than one is a conflict
    std::optional<BackendId> newest;     // the writer by OnConflict::newest
    std::optional<BackendId> unopposed;  // the writer by OnConflict::refuse
    std::string reason;                  // how the conflict was settled or that it was not, or why nobody is the writer
    bool refused = false;                // somebody says primary, but all who do were outranked before

    [[nodiscard]] std::optional<BackendId> writer(OnConflict policy) const {
      return policy == OnConflict::newest ? newest : unopposed;
    }
    [[nodiscard]] bool in_conflict() const { return claimants.size() > 1; }

    friend bool operator==(const Outcome&, const Outcome&) = default;
  };

  void join(BackendId backend, std::string_view name);
  void leave(BackendId backend);

  /// Returns the epoch before, if the one in `standing` is lower.
  std::optional<std::uint64_t> on_standing(BackendId backend, const Standing& standing, Instant now);

  /// An operator's word: this one, until the conflict ends; and an older epoch than seen before is right from now on.
  Result<void> promote(BackendId backend);

  /// The other node saw it become primary, at `when` by this node's clock. Counts when it is later than what was seen
  /// of those that say primary; for one that does not say so yet, as soon as it does.
  void on_peer_promotion(BackendId backend, Instant when);
  /// Who says primary and was seen to become it last.
  [[nodiscard]] std::optional<BackendId> last_promoted() const;

  /// Judges anew. To be called after every change; remembers who won.
  Outcome judge();

 private:
  struct Member {
    std::string name;
    bool claims = false;
    std::optional<std::uint64_t> epoch;
    Role role_in_sight = Role::none;  // the last one since it came into sight; none while it is down
    Role role_last = Role::none;      // the last one ever
    std::uint64_t promotion = 0;      // order of the promotion that was seen while it never left our sight; 0: none
    Instant promoted_at{};            // when that was
    std::optional<Instant> told_at;   // by the other node, of a promotion that this one has not seen yet

    /// Why it may not be the writer although it says primary, and the epoch that must be passed to be one again.
    enum class Mark { none, outranked, overruled } mark = Mark::none;
    std::optional<std::uint64_t> mark_epoch;
    std::string marked_by;
  };
  using Contenders = std::vector<std::pair<BackendId, const Member*>>;

  void mark(Member& member, Member::Mark mark, const Member& by);
  void on_primary(BackendId backend, Member& member, Instant now);
  void count_promotion(BackendId backend, Member& member, Instant when);
  [[nodiscard]] bool is_news(Instant promoted) const;
  [[nodiscard]] Contenders admissible() const;
  void settle(Contenders contenders, Outcome& outcome) const;
  [[nodiscard]] bool has_lower_epoch_claimant(std::optional<std::uint64_t> epoch) const;
  /// Whether an operator chose it over one that says primary again.
  [[nodiscard]] bool was_chosen_before(const Member& winner) const;
  [[nodiscard]] std::string refusal() const;

  std::map<BackendId, Member> members_;
  std::uint64_t promotions_ = 0;
  std::optional<std::uint64_t> epoch_max_;  // that a primary of this cluster has shown
  std::optional<BackendId> chosen_;         // by an operator
  std::optional<BackendId> sitting_;        // who won last time
};

}  // namespace tandem::lb
