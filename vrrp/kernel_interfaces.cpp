#include "vrrp/kernel_interfaces.hpp"

#include <algorithm>
#include <utility>

namespace tandem::vrrp {
namespace {

bool same(const net::NetworkAddress& left, const net::NetworkAddress& right) {
  return left.index == right.index && left.address == right.address && left.prefix_length == right.prefix_length;
}

}  // namespace

KernelInterfaces::KernelInterfaces(net::NetlinkSubscription subscription, net::NetlinkSocket netlink)
    : subscription_(std::move(subscription)), netlink_(std::move(netlink)) {}

Result<std::shared_ptr<KernelInterfaces>> KernelInterfaces::open() {
  auto subscription = net::NetlinkSubscription::open();
  if (!subscription) {
    return subscription.error();
  }
  auto netlink = net::NetlinkSocket::open();
  if (!netlink) {
    return netlink.error();
  }
  auto interfaces =
      std::shared_ptr<KernelInterfaces>(new KernelInterfaces(std::move(*subscription), std::move(*netlink)));
  if (auto loaded = interfaces->reload(); !loaded) {
    return loaded.error();
  }
  return interfaces;
}

bool KernelInterfaces::refresh() {
  const auto outcome =
      subscription_.receive([this](const net::NetlinkMessage& message) { changed_ |= table_.apply(message); });
  if (outcome == net::NetlinkSubscription::Outcome::lost) {
    (void)reload();  // a failure leaves what was known
    changed_ = true;
  }
  return std::exchange(changed_, false);
}

Result<> KernelInterfaces::reload() {
  constexpr int attempts = 5;  // a dump during which something changes begins anew
  Result<> outcome;
  for (int i = 0; i < attempts; ++i) {
    table_.begin_dump();
    const auto apply = [this](const net::NetlinkMessage& message) { changed_ |= table_.apply(message); };
    outcome = netlink_.dump(net::DumpOf::links, apply);
    if (outcome) {
      outcome = netlink_.dump(net::DumpOf::addresses, apply);
    }
    if (outcome) {
      changed_ |= table_.end_dump();
      return {};
    }
  }
  return Error{"cannot list the interfaces: " + outcome.error().text};
}

InterfaceState KernelInterfaces::find(const std::string& name) const {
  const InterfaceTable::Link* link = table_.find(std::string_view(name));
  return link == nullptr ? InterfaceState{} : state_of(*link);
}

void KernelInterfaces::give_up(const net::NetworkAddress& network) {
  const auto claim =
      std::ranges::find_if(claims_, [&](const net::NetworkAddress& held) { return same(held, network); });
  if (claim != claims_.end()) {
    claims_.erase(claim);
  }
}

bool KernelInterfaces::is_claimed(const net::NetworkAddress& network) const {
  return std::ranges::any_of(claims_, [&](const net::NetworkAddress& held) { return same(held, network); });
}

}  // namespace tandem::vrrp
