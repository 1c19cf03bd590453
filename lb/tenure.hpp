#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "lb/outcome.hpp"

namespace tandem::lb {

/// Who holds one write pool. A successor is admitted only after every worker has stopped using the one before and has
/// ended its sessions, or 1 s after they were told to. Pure.
class Tenure {
 public:
  /// What the step that is being taken brings along.
  struct Terms {
    std::optional<Cause> end_sessions;  // of the holder, should it lose the pool; none: they may go on
    bool end_others = true;             // sessions that were let go on end when somebody else gets the pool
    std::uint64_t version = 0;          // of the snapshot that this step publishes, if it changes anything
    Instant now;
  };
  struct Departure {
    BackendId backend{};
    Cause cause = Cause::severed_role;
  };
  /// What changed.
  struct Step {
    std::optional<BackendId> lost;
    std::optional<BackendId> admitted;
    std::vector<Departure> sever;
  };

  [[nodiscard]] std::optional<BackendId> holder() const { return holder_; }
  /// Raised whenever a holder loses the pool.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  /// When the wait for the workers is given up.
  [[nodiscard]] std::optional<Instant> deadline() const;

  /// Goes as far towards `wanted` as may be done now.
  Step advance(std::optional<BackendId> wanted, const Terms& terms);

  /// Sessions of this backend may be there without its being the holder.
  void linger(BackendId backend);
  /// Returns whether there may be any, and forgets it.
  bool take_lingering(BackendId backend);

  /// Return whether this ended a wait; then advance() again.
  bool on_applied(std::uint64_t version);
  bool on_deadline(Instant now);

 private:
  struct Clearing {
    std::uint64_t version;
    Instant deadline;
  };

  std::optional<BackendId> holder_;
  std::uint64_t generation_ = 0;
  std::optional<Clearing> clearing_;
  std::vector<BackendId> lingering_;
};

}  // namespace tandem::lb
