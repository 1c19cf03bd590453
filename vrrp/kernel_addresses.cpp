#include "vrrp/kernel_addresses.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/text.hpp"

namespace tandem::vrrp {
namespace {

using Family = IpAddress::Family;
using Owner = InterfaceTable::Owner;

std::vector<IpAddress> only_addresses(const std::vector<VirtualAddress>& addresses) {
  std::vector<IpAddress> result(addresses.size());
  std::ranges::transform(addresses, result.begin(), &VirtualAddress::address);
  return result;
}

bool is_gone(int error) { return error == 0 || error == EADDRNOTAVAIL || error == ENODEV; }

}  // namespace

net::AddressMark choose_mark(std::string_view kernel_release, VirtualMac virtual_mac) {
  int major = 0;
  int minor = 0;
  const char* end = kernel_release.data() + kernel_release.size();
  const auto first = std::from_chars(kernel_release.data(), end, major);
  if (first.ptr != end && *first.ptr == '.') {
    std::from_chars(first.ptr + 1, end, minor);
  }
  const bool keeps_protocol = std::pair(major, minor) >= std::pair(5, 18);
  const bool needs_metric = !keeps_protocol || virtual_mac == VirtualMac::yes;
  return {kMarkProtocol, needs_metric ? kMarkMetric : 0};
}

KernelAddresses::KernelAddresses(std::shared_ptr<KernelInterfaces> interfaces, KernelAddressesOptions options,
                                 KernelAnnouncer announcer)
    : interfaces_(std::move(interfaces)),
      options_(std::move(options)),
      announcer_(std::move(announcer)),
      forwarding_path_(forwarding_path(options_.interface)) {
  const std::uint32_t place = options_.macvlan ? options_.macvlan->link().index : options_.index;
  std::size_t size = 0;
  for (const VirtualAddress& address : options_.addresses) {
    const net::NetworkAddress network{place, address.address, address.prefix_length};
    interfaces_->claim(network);
    entries_.push_back(
        {network, net::add_address_request(network, options_.mark), net::remove_address_request(network)});
    size += entries_.back().add.size();
  }
  batch_.reserve(size);
  batch_entries_.reserve(entries_.size());
  batch_errors_.reserve(entries_.size());
}

Result<std::unique_ptr<KernelAddresses>> KernelAddresses::open(std::shared_ptr<KernelInterfaces> interfaces,
                                                               KernelAddressesOptions options) {
  auto announcer = KernelAnnouncer::open(options.interface, options.index, only_addresses(options.addresses));
  if (!announcer) {
    return announcer.error();
  }
  auto result = std::unique_ptr<KernelAddresses>(
      new KernelAddresses(std::move(interfaces), std::move(options), std::move(*announcer)));
  KernelAddresses& self = *result;
  const bool v4 = !self.entries_.empty() && self.entries_.front().network.address.is_v4();
  if (v4 && !self.options_.macvlan) {
    // Where ours is the first address of its network, taking it off would take off the others of that network too.
    auto lease = self.interfaces_->settings().raise({Family::v4, self.options_.interface, "promote_secondaries"}, 1);
    const bool of_all = read_setting({Family::v4, "all", "promote_secondaries"}).value_or(0) != 0;
    if (!lease && !of_all) {
      return lease.error();
    }
    self.promotion_ = lease ? std::move(*lease) : nullptr;
  }
  return result;
}

KernelAddresses::~KernelAddresses() {
  for (const Entry& entry : entries_) {
    interfaces_->give_up(entry.network);
  }
}

const InterfaceTable::Address* KernelAddresses::find(const Entry& entry) const {
  return interfaces_->table().find(entry.network.index, entry.network.address);
}

bool KernelAddresses::is_ours(const Entry& entry) const {
  const InterfaceTable::Address* address = find(entry);
  return address != nullptr && address->owner == Owner::ours;
}

void KernelAddresses::start_batch() {
  batch_.clear();
  batch_entries_.clear();
}

void KernelAddresses::add_to_batch(std::size_t entry, Bytes request) {
  batch_.insert(batch_.end(), request.begin(), request.end());
  batch_entries_.push_back(entry);
}

void KernelAddresses::send_batch() {
  batch_errors_.resize(batch_entries_.size());
  if (!batch_entries_.empty()) {
    interfaces_->netlink().request_all(batch_, batch_errors_);
  }
}

Error KernelAddresses::failure(std::string_view verb, const Entry& entry, int error) const {
  const std::string& interface = options_.macvlan ? options_.macvlan->name() : options_.interface;
  std::string cause = std::strerror(error);
  if (error == EPERM) {
    cause += " (needs CAP_NET_ADMIN)";
  }
  const InterfaceSetting disabled{Family::v6, interface, "disable_ipv6"};
  if (!entry.network.address.is_v4() && read_setting(disabled).value_or(0) != 0) {
    cause += concat(" (", to_string(disabled), " = 1)");
  }
  return Error{concat("address ", to_string(entry.network.address), "/", int{entry.network.prefix_length},
                      ": cannot be ", verb, " \"", interface, "\": ", cause)};
}

Result<> KernelAddresses::acquire() {
  if (options_.macvlan && !options_.macvlan->is_up()) {
    if (auto up = options_.macvlan->set(net::LinkState::up); !up) {
      return up;
    }
  }
  start_batch();
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (find(entries_[i]) == nullptr) {
      add_to_batch(i, entries_[i].add);
    }
  }
  send_batch();
  Result<> outcome;
  for (std::size_t i = 0; i < batch_errors_.size(); ++i) {
    const Entry& entry = entries_[batch_entries_[i]];
    if (batch_errors_[i] == 0) {
      interfaces_->table().add_ours(entry.network);
    } else if (batch_errors_[i] != EEXIST && outcome) {  // that somebody else was faster is not told yet
      outcome = failure("put on", entry, batch_errors_[i]);
    }
  }
  return outcome;
}

Result<> KernelAddresses::release() {
  start_batch();
  // The last one first: with every first address of a network that goes the kernel makes all others anew.
  for (std::size_t i = entries_.size(); i-- > 0;) {
    if (is_ours(entries_[i])) {
      add_to_batch(i, entries_[i].remove);
    }
  }
  send_batch();
  Result<> outcome;
  for (std::size_t i = 0; i < batch_errors_.size(); ++i) {
    const Entry& entry = entries_[batch_entries_[i]];
    if (is_gone(batch_errors_[i])) {
      interfaces_->table().remove(entry.network);
    } else if (outcome) {
      outcome = failure("taken off", entry, batch_errors_[i]);
    }
  }
  if (options_.macvlan && options_.macvlan->is_up()) {
    auto down = options_.macvlan->set(net::LinkState::down);
    return outcome ? down : outcome;
  }
  return outcome;
}

bool KernelAddresses::complete() const {
  return (!options_.macvlan || options_.macvlan->is_up()) &&
         std::ranges::all_of(entries_, [this](const Entry& entry) { return find(entry) != nullptr; });
}

bool KernelAddresses::any() const {
  return (options_.macvlan && options_.macvlan->is_up()) ||
         std::ranges::any_of(entries_, [this](const Entry& entry) { return is_ours(entry); });
}

void KernelAddresses::announce(std::uint8_t repeat) {
  const InterfaceTable::Link* link = interfaces_->table().find(options_.index);
  if (link == nullptr) {
    return;
  }
  const bool v4 = entries_.empty() || entries_.front().network.address.is_v4();
  const Forwards forwards = !v4 && is_forwarding(forwarding_path_) ? Forwards::yes : Forwards::no;
  announcer_.announce(repeat, options_.macvlan ? options_.macvlan->link().mac : link->mac, forwards);
}

bool KernelAddresses::bequeath(Will& will) const {
  for (std::size_t i = entries_.size(); i-- > 0;) {  // as release() does
    const Entry& entry = entries_[i];
    if (is_ours(entry) && !will.append({Will::Kind::netlink_request, 0, IpAddress(), Bytes(entry.remove)})) {
      return false;
    }
  }
  return !options_.macvlan || !options_.macvlan->is_up() ||
         will.append({Will::Kind::netlink_request, 0, IpAddress(), options_.macvlan->down_request()});
}

}  // namespace tandem::vrrp
