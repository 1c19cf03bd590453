#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "net/netlink_message.hpp"

namespace tandem::app::demo {

using MacAddress = std::array<std::uint8_t, 6>;

/// Makes a bridge that is up. Without an address of its own it would take one of its ports', and another one whenever
/// that port goes.
net::NetlinkRequest add_bridge_request(const std::string& name, const MacAddress& mac);

/// A pair of virtual Ethernet devices: the near end is a port of a bridge, the far one lies in another namespace.
struct Cable {
  std::string near;
  std::uint32_t bridge = 0;  // its index
  std::string far;
  int far_network = -1;  // descriptor of the network namespace
};
/// Makes a cable whose near end is up.
net::NetlinkRequest add_cable_request(const Cable& cable);

}  // namespace tandem::app::demo
