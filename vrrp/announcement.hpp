#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/address.hpp"
#include "vrrp/options.hpp"

namespace tandem::vrrp {

using MacAddress = std::array<std::uint8_t, 6>;

inline constexpr MacAddress kBroadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/// 00:00:5e:00:01:ID or 00:00:5e:00:02:ID, RFC 9568 section 7.3.
MacAddress virtual_mac(IpAddress::Family family, VirtualRouterId id);

/// Where a frame for a multicast address goes: RFC 1112 section 6.4, RFC 2464 section 7.
MacAddress multicast_mac(const IpAddress& group);

/// A whole Ethernet frame without its check sequence.
using GratuitousArp = std::array<std::byte, 42>;
using NeighbourAdvertisement = std::array<std::byte, 86>;

/// A broadcast ARP request for the IPv4 `address` from itself, which `mac` answers for, as keepalived sends it.
GratuitousArp gratuitous_arp(const MacAddress& mac, const IpAddress& address);

enum class Forwards : std::uint8_t { no, yes };

/// An unsolicited advertisement of the IPv6 `address` to all nodes, with the override flag: RFC 4861 section 4.4. The
/// router flag tells whether the interface forwards.
NeighbourAdvertisement neighbour_advertisement(const MacAddress& mac, const IpAddress& address, Forwards forwards);

}  // namespace tandem::vrrp
