#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"

/// Messages of NETLINK_ROUTE, rtnetlink(7), built and read without a socket.
namespace tandem::net {

/// One message of those in a datagram; the payload lies behind its header.
struct NetlinkMessage {
  std::uint16_t type = 0;
  std::uint16_t flags = 0;
  std::uint32_t sequence = 0;
  Bytes payload;
};

struct NetlinkAttribute {
  std::uint16_t type = 0;  // without the flags in its two highest bits
  Bytes value;
};

/// The first message of `rest`, which then moves on to the next one; nothing at the end or when what is there makes no
/// sense.
std::optional<NetlinkMessage> next_message(Bytes& rest);
std::optional<NetlinkAttribute> next_attribute(Bytes& rest);

/// The error number of an NLMSG_ERROR or NLMSG_DONE, 0 for an acknowledgement; nothing for another type.
std::optional<int> error_of(const NetlinkMessage& message);

enum class Change : std::uint8_t { present, gone };

/// RTM_NEWLINK or RTM_DELLINK. The views live as long as the message.
struct LinkMessage {
  Change change = Change::present;
  std::uint32_t index = 0;
  std::uint32_t parent = 0;  // 0: none
  std::uint32_t flags = 0;   // IFF_UP, ...
  std::string_view name;
  std::string_view alias;
  std::string_view kind;                           // "macvlan"; empty for a real device
  std::optional<std::array<std::uint8_t, 6>> mac;  // not told of every kind of device, nor in every message
};

/// RTM_NEWADDR or RTM_DELADDR.
struct AddressMessage {
  Change change = Change::present;
  std::uint32_t index = 0;
  IpAddress address;  // the local one
  std::uint8_t prefix_length = 0;
  std::uint8_t scope = 0;
  std::uint32_t flags = 0;    // IFA_F_SECONDARY, IFA_F_TENTATIVE, ...
  std::uint32_t metric = 0;   // of its network's route; 0: not said
  std::uint8_t protocol = 0;  // IFA_PROTO: who put it there; 0: not said
};

/// Nothing when the message is another one, or about another family: bridges speak of their ports in link messages.
std::optional<LinkMessage> read_link(const NetlinkMessage& message);
std::optional<AddressMessage> read_address(const NetlinkMessage& message);

/// A message to the kernel, ready to be sent. Without NLM_F_ACK: the kernel answers only when it refuses.
using NetlinkRequest = std::vector<std::byte>;

/// How a request's answer is told from others': written into a request that is sent again.
void set_sequence(MutableBytes request, std::uint32_t sequence);
/// Asks for an answer even when all went well.
void set_acknowledged(MutableBytes request);

struct NetworkAddress {
  std::uint32_t index = 0;  // of the interface
  IpAddress address;
  std::uint8_t prefix_length = 32;
};
/// What tells an address that we put there, also after we have died.
struct AddressMark {
  std::uint8_t protocol = 0;  // IFA_PROTO; 0: none
  std::uint32_t metric = 0;   // IFA_RT_PRIORITY; 0: none
};

/// Adds an address of global scope that is not there yet. An IPv6 one is used at once, without duplicate address
/// detection, but never chosen as the source of a connection.
NetlinkRequest add_address_request(const NetworkAddress& address, const AddressMark& mark);
NetlinkRequest remove_address_request(const NetworkAddress& address);

enum class LinkState : std::uint8_t { down, up };
NetlinkRequest set_link_request(std::uint32_t index, LinkState state);

struct Macvlan {
  std::string name;
  std::uint32_t parent = 0;
  std::array<std::uint8_t, 6> mac{};
};
/// A macvlan in private mode, down, that makes no IPv6 address of its own.
NetlinkRequest add_macvlan_request(const Macvlan& macvlan);
NetlinkRequest set_alias_request(std::uint32_t index, std::string_view alias);
NetlinkRequest remove_link_request(std::uint32_t index);

enum class DumpOf : std::uint8_t { links, addresses };
NetlinkRequest dump_request(DumpOf what);

}  // namespace tandem::net
