#include "vrrp/kernel_macvlan.hpp"

#include <linux/if.h>

#include <cstring>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "vrrp/announcement.hpp"

namespace tandem::vrrp {
namespace {

using Family = IpAddress::Family;
using Link = InterfaceTable::Link;

bool is_the_same(const Link& link, const Link& parent, const MacAddress& mac) {
  return link.kind == "macvlan" && link.parent == parent.index && link.mac == mac;
}

/// "vrrp.51", as keepalived calls it; with the parent's index behind it where another interface has that name. At most
/// 15 characters.
std::string choose_name(const InterfaceTable& table, const Link& parent, Family family, VirtualRouterId id) {
  std::string usual = concat(family == Family::v4 ? "vrrp." : "vrrp6.", static_cast<int>(id));
  const Link* holder = table.find(std::string_view(usual));
  if (holder == nullptr || is_the_same(*holder, parent, virtual_mac(family, id))) {
    return usual;
  }
  return concat(usual, ".", parent.index);
}

}  // namespace

KernelMacvlan::KernelMacvlan(std::shared_ptr<KernelInterfaces> interfaces, std::string name, VirtualLink link)
    : interfaces_(std::move(interfaces)),
      name_(std::move(name)),
      link_(link),
      up_(net::set_link_request(link.index, net::LinkState::up)),
      down_(net::set_link_request(link.index, net::LinkState::down)) {}

Result<std::shared_ptr<KernelMacvlan>> KernelMacvlan::open(std::shared_ptr<KernelInterfaces> interfaces,
                                                           const Link& parent, Family family, VirtualRouterId id) {
  const Link base = parent;  // the table changes below
  const MacAddress mac = virtual_mac(family, id);
  const std::string name = choose_name(interfaces->table(), base, family, id);
  const auto failure = [&](std::string_view what, std::string_view cause) {
    return Error{concat("interface \"", name, "\" on \"", base.name, "\": ", what, ": ", cause)};
  };
  const Link* found = interfaces->table().find(std::string_view(name));
  if (found != nullptr && !is_the_same(*found, base, mac)) {
    return failure("cannot be made", "another interface has that name");
  }
  if (found == nullptr) {
    net::NetlinkRequest request = net::add_macvlan_request({name, base.index, mac});
    if (const int error = interfaces->netlink().request(request); error != 0) {
      return failure("cannot be made", std::strerror(error));
    }
    if (auto loaded = interfaces->reload(); !loaded) {
      return loaded.error();
    }
    found = interfaces->table().find(std::string_view(name));
  }
  if (found == nullptr) {
    return failure("cannot be made", "it vanished");
  }
  net::NetlinkRequest alias = net::set_alias_request(found->index, kMarkAlias);
  (void)interfaces->netlink().request(alias);  // without it a successor does not clean up, and nothing else
  const VirtualLink link{found->index, mac};
  auto macvlan = std::shared_ptr<KernelMacvlan>(new KernelMacvlan(std::move(interfaces), name, link));
  if (auto down = macvlan->set(net::LinkState::down); !down) {
    return down.error();
  }
  if (auto prepared = macvlan->prepare(base.name, family); !prepared) {
    return prepared.error();
  }
  return macvlan;
}

Result<> KernelMacvlan::prepare(const std::string& parent, Family family) {
  std::vector<std::pair<InterfaceSetting, int>> own;
  if (family == Family::v6) {
    own = {{{Family::v6, name_, "disable_ipv6"}, 0},
           {{Family::v6, name_, "addr_gen_mode"}, 1},  // no address of its own
           {{Family::v6, name_, "autoconf"}, 0},
           {{Family::v6, name_, "accept_ra"}, 0}};
  } else {
    // Strict reverse path filtering would drop every client: the way back leads over the parent. The larger of the
    // interface's value and that of "all" counts.
    const int strict = 1;
    const bool all_strict = read_setting({Family::v4, "all", "rp_filter"}).value_or(0) == strict;
    own = {{{Family::v4, name_, "arp_ignore"}, 1},
           {{Family::v4, name_, "arp_filter"}, 0},
           {{Family::v4, name_, "arp_announce"}, 2},
           {{Family::v4, name_, "accept_local"}, 1},
           {{Family::v4, name_, "rp_filter"}, all_strict ? 2 : 0},
           {{Family::v4, name_, "promote_secondaries"}, 1}};
    if (read_setting({Family::v6, name_, "disable_ipv6"})) {
      own.push_back({{Family::v6, name_, "disable_ipv6"}, 1});
    }
  }
  for (const auto& [setting, value] : own) {
    if (read_setting(setting) == value) {
      continue;
    }
    if (auto written = write_setting(setting, value); !written) {
      return written;
    }
  }
  if (family == Family::v6) {
    return {};
  }
  // The parent answers no ARP request for the macvlan's address, and does not ask for neighbours in its name either:
  // both would tell the neighbours the wrong MAC address.
  for (const auto& [name, value] : {std::pair<std::string_view, int>{"arp_ignore", 1}, {"arp_announce", 2}}) {
    auto lease = interfaces_->settings().raise({Family::v4, parent, name}, value);
    if (!lease) {
      return lease.error();
    }
    parent_settings_.push_back(std::move(*lease));
  }
  return {};
}

KernelMacvlan::~KernelMacvlan() {
  net::NetlinkRequest request = net::remove_link_request(link_.index);
  (void)interfaces_->netlink().request(request);  // it may have gone with its parent
}

bool KernelMacvlan::is_up() const {
  const Link* link = interfaces_->table().find(link_.index);
  return link != nullptr && (link->flags & IFF_UP) != 0;
}

Result<> KernelMacvlan::set(net::LinkState state) {
  const int error = interfaces_->netlink().request(state == net::LinkState::up ? up_ : down_);
  if (error != 0) {
    return Error{concat("interface \"", name_, "\": cannot be taken ", state == net::LinkState::up ? "up" : "down",
                        ": ", std::strerror(error))};
  }
  interfaces_->table().set_state(link_.index, state);
  return {};
}

}  // namespace tandem::vrrp
