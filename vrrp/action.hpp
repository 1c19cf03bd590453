#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <variant>

#include "base/address.hpp"
#include "base/check.hpp"
#include "vrrp/options.hpp"

namespace tandem::vrrp {

/// Send an advert of this priority to the group or to every peer.
struct SendAdvert {
  Priority priority{100};

  friend bool operator==(const SendAdvert&, const SendAdvert&) = default;
};

/// Put the addresses on the interface.
struct AcquireAddresses {
  friend bool operator==(const AcquireAddresses&, const AcquireAddresses&) = default;
};

/// Take them off.
struct ReleaseAddresses {
  friend bool operator==(const ReleaseAddresses&, const ReleaseAddresses&) = default;
};

/// Send this many gratuitous ARPs or unsolicited neighbour advertisements for each address.
struct Announce {
  std::uint8_t repeat = 1;

  friend bool operator==(const Announce&, const Announce&) = default;
};

enum class Contest : std::uint8_t { won, lost };

/// Two were active at once: for a moment when one preempts the other, for longer in a split. For events and metrics.
struct ReportContest {
  IpAddress other;
  Contest contest = Contest::won;

  friend bool operator==(const ReportContest&, const ReportContest&) = default;
};

using Action = std::variant<SendAdvert, AcquireAddresses, ReleaseAddresses, Announce, ReportContest>;

/// What to do, in this order; a failure of one does not excuse from the next. Kept in place: no allocation. A value.
class Actions {
 public:
  Actions() = default;
  Actions(std::initializer_list<Action> actions) {
    for (const Action& action : actions) {
      push_back(action);
    }
  }

  void push_back(const Action& action) {
    check(size_ < kMax, "one event leads to a few actions");
    actions_[size_++] = action;
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const Action* begin() const { return actions_.data(); }
  [[nodiscard]] const Action* end() const { return actions_.data() + size_; }

  friend bool operator==(const Actions& left, const Actions& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end());
  }

 private:
  static constexpr std::size_t kMax = 8;

  std::array<Action, kMax> actions_{};
  std::size_t size_ = 0;
};

}  // namespace tandem::vrrp
