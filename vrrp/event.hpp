#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/address.hpp"
#include "base/time.hpp"
#include "vrrp/action.hpp"
#include "vrrp/options.hpp"
#include "vrrp/state_machine.hpp"

namespace tandem::vrrp {

/// An instance's place in the list that the node was configured with.
enum class InstanceIndex : std::uint16_t {};

/// Why an instance cannot hold its addresses, or holds them at a lower priority.
enum class Inability : std::uint8_t {
  none,
  worker_stuck,       // detail: the worker's number
  control_stuck,      // the thread that applies verdicts does not turn
  listeners_unbound,  // nothing to serve with
  starting,           // first verdicts are still to come
  link_down,          // its own interface
  interface_missing,  // it does not exist
  no_source,          // the interface has no address to send from
  tracked_link_down,  // detail: the place in track_interfaces
  witness_silent,     // none of the witnesses answers
  addresses_failed,   // the kernel refused an address
  group_member,       // another instance of its sync group cannot; detail: its place
  shutting_down,      // the node stops
};
inline constexpr std::size_t kInabilityCount = 13;

/// "worker_stuck"
std::string_view name(Inability inability);

enum class EventKind : std::uint8_t {
  transition,        // from → to, because of `cause`
  handing_on,        // the peer has the addresses; ours go in a moment
  kept,              // nobody took what was handed over
  contested,         // two were active: `contest` tells how it ended, `other` who
  contest_over,      // nobody contests any more
  priority_changed,  // penalties came or went
  unable,            // `inability` appeared
  able,              // nothing is left in the way
  late,              // the thread stood still for `lasted`, longer than a backup's patience
  repaired,          // addresses were missing or left over, and were put right
  address_error,     // the kernel refused; `text`
  heard_nobody,      // no advert of anybody since the start: maybe multicast is filtered
};

enum class Cause : std::uint8_t {
  start,       // first state
  silence,     // the active router was not heard for its down interval
  farewell,    // it said priority 0
  invited,     // it said over the peer link: take it
  outranked,   // a better one was heard
  handover,    // an operator's word
  shutdown,    // the node stops
  inability,   // see Inability
  recovered,   // able again
  sync_group,  // another instance of the group
  late,        // our own thread stood still
  taken,       // the peer has it
  reload,      // the file says so
  preempt,     // a lower one was active
};
inline constexpr std::size_t kCauseCount = 14;

/// "silence"
std::string_view name(Cause cause);

/// What happened to an instance. A value of fixed size: crosses threads without allocation.
struct Event {
  EventKind kind = EventKind::transition;
  InstanceIndex instance{};
  State from = State::initialize;
  State to = State::initialize;
  Cause cause = Cause::start;
  Inability inability = Inability::none;  // of `unable`, and of a transition because of it
  std::uint32_t detail = 0;
  Contest contest = Contest::won;
  IpAddress other;
  Priority priority{100};  // in force
  Duration lasted{0};      // transition: how long it was `from`
  int error_number = 0;
  Instant at{};
  std::array<char, 160> text{};  // address_error: what the kernel refused; cut, ends with a zero
};

/// The text of an address_error; else empty.
std::string_view text(const Event& event);

}  // namespace tandem::vrrp
