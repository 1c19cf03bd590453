#include "vrrp/tracking.hpp"

#include <algorithm>

namespace tandem::vrrp {
namespace {

bool is_link_local(const IpAddress& address) {
  return address.bytes()[0] == 0xfeU && (address.bytes()[1] & 0xc0U) == 0x80U;
}

void assess_links(const Options& options, const Circumstances& circumstances, Standing& standing) {
  const std::size_t count = std::min(options.track_interfaces.size(), circumstances.links_down.size());
  for (std::size_t place = 0; place < count; ++place) {
    if (!circumstances.links_down[place]) {
      continue;
    }
    const unsigned penalty = options.track_interfaces[place].penalty;
    standing.penalty += penalty;
    if (penalty == 0) {
      standing.add(Inability::tracked_link_down, static_cast<std::uint32_t>(place));
    }
  }
}

void assess_interface(const Options& options, const InterfaceState& interface, Standing& standing) {
  if (interface.index == 0) {
    standing.add(Inability::interface_missing);
    return;
  }
  if (!interface.up) {
    standing.add(Inability::link_down);
  }
  if (!source_of(options, interface)) {
    standing.add(Inability::no_source);
  }
}

}  // namespace

void Standing::add(Inability inability, std::uint32_t detail) {
  const auto place = static_cast<std::size_t>(inability);
  if (!inabilities[place]) {
    inabilities.set(place);
    details.at(place) = detail;
  }
}

std::optional<IpAddress> source_of(const Options& options, const InterfaceState& interface) {
  const bool v4 = options.addresses.empty() || options.addresses.front().address.is_v4();
  if (v4) {
    return interface.source_v4;
  }
  // Unicast peers know one another by the addresses that their configurations name.
  return std::ranges::all_of(options.peers, is_link_local) ? interface.source_v6 : interface.source_v6_global;
}

Standing assess(const Options& options, const Circumstances& circumstances) {
  Standing standing;
  assess_interface(options, circumstances.interface, standing);
  assess_links(options, circumstances, standing);
  if (circumstances.service.inability != Inability::none) {
    standing.add(circumstances.service.inability, circumstances.service.detail);
  }
  if (!options.witnesses.empty()) {
    standing.undecided = circumstances.witness == Reach::unknown;
    if (circumstances.witness == Reach::silent) {
      standing.add(Inability::witness_silent);
    }
  }
  if (circumstances.addresses_failed) {
    standing.add(Inability::addresses_failed);
  }
  if (circumstances.shutting_down) {
    standing.add(Inability::shutting_down);
  }
  standing.penalty += circumstances.cluster_penalty;
  return standing;
}

Priority effective(Priority base, unsigned penalty) {
  if (base == kOwner) {
    return base;
  }
  const auto worth = static_cast<unsigned>(base);
  return Priority{static_cast<std::uint8_t>(worth - std::min(penalty, worth - 1))};
}

}  // namespace tandem::vrrp
