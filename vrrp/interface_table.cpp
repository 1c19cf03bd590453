#include "vrrp/interface_table.hpp"

#include <linux/if.h>
#include <linux/if_addr.h>

#include <algorithm>

namespace tandem::vrrp {
namespace {

using Owner = InterfaceTable::Owner;

bool same(const net::NetworkAddress& left, const net::NetworkAddress& right) {
  return left.index == right.index && left.address == right.address && left.prefix_length == right.prefix_length;
}

bool is_link_local(const IpAddress& address) {
  return !address.is_v4() && address.bytes()[0] == 0xfeU && (address.bytes()[1] & 0xc0U) == 0x80U;
}

bool is_usable(const InterfaceTable::Address& address) {
  return (address.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0;
}

bool is_ours(const net::AddressMessage& message) {
  return message.protocol == kMarkProtocol || message.metric == kMarkMetric;
}

}  // namespace

bool InterfaceTable::apply(const net::NetlinkMessage& message) {
  if (const auto link = net::read_link(message)) {
    return apply_link(*link);
  }
  if (const auto address = net::read_address(message)) {
    return apply_address(*address);
  }
  return false;
}

bool InterfaceTable::apply_link(const net::LinkMessage& message) {
  if (message.change == net::Change::gone) {
    return std::erase_if(links_, [&](const Link& link) { return link.index == message.index; }) != 0;
  }
  Link* link = find_mutable(message.index);
  const bool is_new = link == nullptr;
  if (is_new) {
    links_.emplace_back();
    link = &links_.back();
    link->index = message.index;
  }
  link->seen = true;
  const MacAddress mac = message.mac.value_or(link->mac);
  const bool changed = is_new || link->parent != message.parent || link->flags != message.flags ||
                       link->name != message.name || link->alias != message.alias || link->mac != mac;
  if (changed) {
    link->parent = message.parent;
    link->flags = message.flags;
    link->name = message.name;
    link->alias = message.alias;
    link->kind = message.kind;
    link->mac = mac;
  }
  return changed;
}

bool InterfaceTable::apply_address(const net::AddressMessage& message) {
  Link* link = find_mutable(message.index);
  if (link == nullptr) {
    return false;
  }
  const net::NetworkAddress network{message.index, message.address, message.prefix_length};
  const auto known = std::ranges::find_if(link->addresses, [&](const Address& a) { return same(a.network, network); });
  if (message.change == net::Change::gone) {
    if (known == link->addresses.end()) {
      return false;
    }
    link->addresses.erase(known);
    return true;
  }
  const Owner owner = is_ours(message) ? Owner::ours : Owner::others;
  if (known == link->addresses.end()) {
    link->addresses.push_back({network, owner, message.flags, true});
    return true;
  }
  const bool changed = known->owner != owner || known->flags != message.flags;
  *known = {network, owner, message.flags, true};
  return changed;
}

void InterfaceTable::begin_dump() {
  for (Link& link : links_) {
    link.seen = false;
    for (Address& address : link.addresses) {
      address.seen = false;
    }
  }
}

bool InterfaceTable::end_dump() {
  std::size_t gone = std::erase_if(links_, [](const Link& link) { return !link.seen; });
  for (Link& link : links_) {
    gone += std::erase_if(link.addresses, [](const Address& address) { return !address.seen; });
  }
  return gone != 0;
}

void InterfaceTable::add_ours(const net::NetworkAddress& network) {
  Link* link = find_mutable(network.index);
  if (link != nullptr &&
      std::ranges::none_of(link->addresses, [&](const Address& a) { return same(a.network, network); })) {
    link->addresses.push_back({network, Owner::ours, 0, true});
  }
}

void InterfaceTable::remove(const net::NetworkAddress& network) {
  if (Link* link = find_mutable(network.index)) {
    std::erase_if(link->addresses, [&](const Address& a) { return same(a.network, network); });
  }
}

void InterfaceTable::set_state(std::uint32_t index, net::LinkState state) {
  if (Link* link = find_mutable(index)) {
    link->flags = state == net::LinkState::up ? link->flags | IFF_UP : link->flags & ~static_cast<unsigned>(IFF_UP);
  }
}

InterfaceTable::Link* InterfaceTable::find_mutable(std::uint32_t index) {
  const auto link = std::ranges::find(links_, index, &Link::index);
  return link == links_.end() ? nullptr : &*link;
}

const InterfaceTable::Link* InterfaceTable::find(std::string_view name) const {
  const auto link = std::ranges::find(links_, name, &Link::name);
  return link == links_.end() ? nullptr : &*link;
}

const InterfaceTable::Link* InterfaceTable::find(std::uint32_t index) const {
  const auto link = std::ranges::find(links_, index, &Link::index);
  return link == links_.end() ? nullptr : &*link;
}

const InterfaceTable::Address* InterfaceTable::find(std::uint32_t index, const IpAddress& address) const {
  const Link* link = find(index);
  if (link == nullptr) {
    return nullptr;
  }
  const Address* found = nullptr;
  for (const Address& candidate : link->addresses) {
    if (candidate.network.address == address && (found == nullptr || candidate.owner == Owner::ours)) {
      found = &candidate;
    }
  }
  return found;
}

InterfaceState state_of(const InterfaceTable::Link& link) {
  constexpr std::uint32_t up = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;
  InterfaceState state;
  state.index = link.index;
  state.up = (link.flags & up) == up;
  state.mac = link.mac;
  for (const InterfaceTable::Address& candidate : link.addresses) {
    if (candidate.owner == Owner::ours || !is_usable(candidate)) {
      continue;
    }
    const IpAddress& address = candidate.network.address;
    auto& source = address.is_v4()          ? state.source_v4
                   : is_link_local(address) ? state.source_v6
                                            : state.source_v6_global;
    if (!source) {
      source = address;
    }
  }
  return state;
}

}  // namespace tandem::vrrp
