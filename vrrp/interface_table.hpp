#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "net/netlink_message.hpp"
#include "vrrp/platform.hpp"

namespace tandem::vrrp {

/// By what our addresses are known, also to a successor of this process. A kernel since 5.18 keeps the protocol; an
/// older one the metric, which nobody else chooses.
inline constexpr std::uint8_t kMarkProtocol = 112;
inline constexpr std::uint32_t kMarkMetric = 11'201'120;
/// By what our macvlans are known.
inline constexpr std::string_view kMarkAlias = "tandem";

/// The links and addresses of a host, as netlink messages tell of them. Opens nothing. A value.
class InterfaceTable {
 public:
  enum class Owner : std::uint8_t { ours, others };

  struct Address {
    net::NetworkAddress network;
    Owner owner = Owner::others;
    std::uint32_t flags = 0;  // IFA_F_SECONDARY, IFA_F_TENTATIVE, ...
    bool seen = true;         // in the dump that is under way
  };
  struct Link {
    std::uint32_t index = 0;
    std::uint32_t parent = 0;
    std::uint32_t flags = 0;
    std::string name;
    std::string alias;
    std::string kind;
    MacAddress mac{};
    std::vector<Address> addresses;
    bool seen = true;
  };

  /// True when a link or an address changed. Messages of other kinds change nothing.
  bool apply(const net::NetlinkMessage& message);
  /// What is not told between the two is gone. end_dump() is true when that was something.
  void begin_dump();
  bool end_dump();

  /// What we know before the kernel tells: it has acknowledged our request.
  void add_ours(const net::NetworkAddress& network);
  void remove(const net::NetworkAddress& network);
  void set_state(std::uint32_t index, net::LinkState state);

  /// Nothing: there is none. Until the next change.
  [[nodiscard]] const Link* find(std::string_view name) const;
  [[nodiscard]] const Link* find(std::uint32_t index) const;
  [[nodiscard]] const std::vector<Link>& links() const { return links_; }
  /// The same address, with any prefix length, ours rather than others'. Nothing: there is none.
  [[nodiscard]] const Address* find(std::uint32_t index, const IpAddress& address) const;

 private:
  bool apply_link(const net::LinkMessage& message);
  bool apply_address(const net::AddressMessage& message);
  Link* find_mutable(std::uint32_t index);

  std::vector<Link> links_;
};

/// What the machine of an instance needs of `link`.
InterfaceState state_of(const InterfaceTable::Link& link);

}  // namespace tandem::vrrp
