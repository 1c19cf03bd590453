#pragma once

#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/time.hpp"
#include "vrrp/action.hpp"

namespace tandem::vrrp {

/// What a single meeting of two active routers amounts to.
enum class Meeting : std::uint8_t {
  passing,    // one relieves the other, as it should
  contested,  // both claim the addresses: the episode begins
  going_on,   // it is not over yet
};

/// Tells a split brain from the moment in which one router relieves the other. Pure.
class ContestWatch {
 public:
  /// Since when we are active, and how long a relieved router may still be heard.
  void on_active(Instant now, Duration grace);
  /// The other one did not give way. `patience`: without another advert for so long it has.
  [[nodiscard]] Meeting on_won(const IpAddress& other, Instant now, Duration patience);
  /// We gave way, or stopped. How long the episode was; empty when there was none.
  [[nodiscard]] std::optional<Duration> on_inactive(Instant now);
  /// How long the episode was, when it has just come to its end.
  [[nodiscard]] std::optional<Duration> on_deadline(Instant now);

  [[nodiscard]] std::optional<Instant> next_deadline() const;
  [[nodiscard]] bool is_contested() const { return since_.has_value(); }
  /// The last rival.
  [[nodiscard]] const IpAddress& other() const { return other_; }

 private:
  Instant grace_until_{};
  std::optional<Instant> since_;
  Instant over_at_{};
  IpAddress other_;
};

}  // namespace tandem::vrrp
