#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>

#include "vrrp/event.hpp"
#include "vrrp/options.hpp"
#include "vrrp/platform.hpp"
#include "vrrp/witness_tally.hpp"

namespace tandem::vrrp {

/// Whether the rest of the process can serve. `none`: it can.
struct ServiceState {
  Inability inability = Inability::none;  // worker_stuck, control_stuck, listeners_unbound, starting
  std::uint32_t detail = 0;

  friend bool operator==(const ServiceState&, const ServiceState&) = default;
};

using Inabilities = std::bitset<kInabilityCount>;

/// Which of the tracked interfaces are up, by their place in the list; those behind the last place count as up.
using TrackedLinks = std::bitset<64>;

/// What an instance's worth hangs on.
struct Circumstances {
  InterfaceState interface;
  TrackedLinks links_down;
  std::uint8_t cluster_penalty = 0;
  ServiceState service;
  Reach witness = Reach::unknown;
  bool addresses_failed = false;
  bool shutting_down = false;
};

/// Whether an instance may hold its addresses, and what it is worth.
struct Standing {
  Inabilities inabilities;
  std::array<std::uint32_t, kInabilityCount> details{};  // by Inability
  unsigned penalty = 0;                                  // off the priority
  bool undecided = false;                                // no witness has had the time to answer

  void add(Inability inability, std::uint32_t detail = 0);
  [[nodiscard]] bool is_able() const { return inabilities.none(); }
};

/// Where an instance's adverts come from; empty while its interface has no address to send from.
std::optional<IpAddress> source_of(const Options& options, const InterfaceState& interface);

Standing assess(const Options& options, const Circumstances& circumstances);

/// What is left of `base`, at least 1. The owner of the addresses stays the owner.
Priority effective(Priority base, unsigned penalty);

}  // namespace tandem::vrrp
