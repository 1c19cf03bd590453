#include "vrrp/event.hpp"

#include <array>

namespace tandem::vrrp {

std::string_view name(Inability inability) {
  constexpr std::array<std::string_view, kInabilityCount> names{"none",
                                                                "worker_stuck",
                                                                "control_stuck",
                                                                "listeners_unbound",
                                                                "starting",
                                                                "link_down",
                                                                "interface_missing",
                                                                "no_source",
                                                                "tracked_link_down",
                                                                "witness_silent",
                                                                "addresses_failed",
                                                                "group_member",
                                                                "shutting_down"};
  return names.at(static_cast<std::size_t>(inability));
}

std::string_view name(Cause cause) {
  constexpr std::array<std::string_view, kCauseCount> names{
      "start",     "silence",   "farewell",   "invited", "outranked", "handover", "shutdown",
      "inability", "recovered", "sync_group", "late",    "taken",     "reload",   "preempt"};
  return names.at(static_cast<std::size_t>(cause));
}

std::string_view text(const Event& event) { return event.text.data(); }

}  // namespace tandem::vrrp
