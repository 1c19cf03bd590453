#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "vrrp/announcement.hpp"

namespace tandem::vrrp {

/// An ICMP or ICMPv6 echo by what the answer repeats of the question.
struct Echo {
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;

  friend bool operator==(const Echo&, const Echo&) = default;
};

using EchoRequest = std::array<std::byte, 16>;

/// RFC 792, RFC 4443 section 4.1. The ICMPv6 checksum is left to the kernel, which knows the addresses.
EchoRequest echo_request(IpAddress::Family family, const Echo& echo);

/// The echo that `message` answers; nothing for anything else. An ICMP message begins at its IPv4 header, as raw
/// sockets of IPv4 give it; an ICMPv6 message at its type.
std::optional<Echo> read_echo_reply(IpAddress::Family family, Bytes message);

/// Without its Ethernet header.
using ArpMessage = std::array<std::byte, 28>;

/// Who has `target`? RFC 826; with `source` 0.0.0.0 the probe of RFC 5227 section 2.1.1.
ArpMessage arp_request(const MacAddress& mac, const IpAddress& source, const IpAddress& target);

/// Whose address an ARP reply to `mac` tells; nothing for anything else.
std::optional<IpAddress> read_arp_reply(const MacAddress& mac, Bytes message);

using NeighbourSolicitation = std::array<std::byte, 32>;

/// RFC 4861 section 4.3, without its checksum, which is left to the kernel. To be sent with a hop limit of 255 to
/// solicited_node(target).
NeighbourSolicitation neighbour_solicitation(const MacAddress& mac, const IpAddress& target);

/// RFC 4291 section 2.7.1
IpAddress solicited_node(const IpAddress& target);

/// Whose address a neighbour advertisement tells that somebody asked for; nothing for anything else, an unsolicited one
/// among it. The caller checks that the hop limit was 255.
std::optional<IpAddress> read_neighbour_advertisement(Bytes message);

}  // namespace tandem::vrrp
