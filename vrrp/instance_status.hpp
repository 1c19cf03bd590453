#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "vrrp/event.hpp"
#include "vrrp/options.hpp"
#include "vrrp/rejection.hpp"
#include "vrrp/state_machine.hpp"

namespace tandem::vrrp {

/// What an instance has sent and received since it was configured.
struct InstanceCounters {
  std::uint64_t adverts_sent = 0;
  std::uint64_t adverts_received = 0;
  std::uint64_t send_failures = 0;
  std::array<std::uint64_t, kRejectionCount> rejected{};
  std::array<std::uint64_t, kRemarkCount> remarked{};
  std::array<std::uint64_t, 3> transitions{};  // to each State
  std::uint64_t contests = 0;
};

/// What an instance looks like from outside, at one moment. Of fixed size.
struct InstanceFacts : InstanceCounters {
  State state = State::initialize;
  bool leaving = false;  // said goodbye and still holds the addresses
  bool holds_addresses = false;
  Priority priority{100};                  // in force
  Instant since{};                         // of `state`
  std::optional<IpAddress> source;         // where its adverts come from
  std::optional<IpAddress> active_router;  // who is active, when it is not us; as last heard
  std::optional<Priority> active_priority;
  std::optional<Instant> last_heard;  // an advert of anybody
  bool heard_nobody = false;          // since the start, and should have
  bool contested = false;             // another one is active too
};

struct InstanceStatus : InstanceFacts {
  std::vector<Inability> inabilities;  // empty: it can serve
};

}  // namespace tandem::vrrp
