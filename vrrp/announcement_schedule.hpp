#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace tandem::vrrp {

/// When an active router tells its neighbours anew who has the address: five times at once, five after 5 s, once a
/// minute, and five times after every contest, since the loser may have been heard last.
class AnnouncementSchedule {
 public:
  /// Each returns how many to send now, often none.
  [[nodiscard]] std::uint8_t on_active(Instant now);
  [[nodiscard]] std::uint8_t on_contest_won(Instant now);
  [[nodiscard]] std::uint8_t on_deadline(Instant now);
  void on_inactive() { *this = {}; }

  [[nodiscard]] std::optional<Instant> next_deadline() const;

 private:
  [[nodiscard]] std::uint8_t send(Instant now, std::uint8_t repeat);

  std::optional<Instant> last_;    // nothing while inactive
  std::optional<Instant> second_;  // the second five
  std::optional<Instant> owed_;    // for contests that came too soon after one another
};

}  // namespace tandem::vrrp
