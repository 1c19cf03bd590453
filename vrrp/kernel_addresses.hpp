#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "vrrp/interface_settings.hpp"
#include "vrrp/kernel_announcer.hpp"
#include "vrrp/kernel_interfaces.hpp"
#include "vrrp/kernel_macvlan.hpp"
#include "vrrp/options.hpp"
#include "vrrp/platform.hpp"

namespace tandem::vrrp {

struct KernelAddressesOptions {
  std::string interface;
  std::uint32_t index = 0;                // of `interface`
  std::vector<VirtualAddress> addresses;  // of one family
  net::AddressMark mark;
  std::shared_ptr<KernelMacvlan> macvlan;  // where they are put instead; none: on the interface itself
};

/// The mark that this kernel keeps with an address: its protocol since 5.18, before that the metric of its network's
/// route. Beside another interface in the same network the metric keeps traffic on that one.
net::AddressMark choose_mark(std::string_view kernel_release, VirtualMac virtual_mac);

/// Addresses put on an interface by netlink. Which ones are ours the kernel remembers. One thread.
class KernelAddresses final : public Addresses {
 public:
  /// The error names the interface and the cause.
  static Result<std::unique_ptr<KernelAddresses>> open(std::shared_ptr<KernelInterfaces> interfaces,
                                                       KernelAddressesOptions options);
  /// Takes nothing off: release() does.
  ~KernelAddresses() override;

  Result<> acquire() override;
  Result<> release() override;
  [[nodiscard]] bool complete() const override;
  [[nodiscard]] bool any() const override;
  void announce(std::uint8_t repeat) override;
  [[nodiscard]] bool bequeath(Will& will) const override;

 private:
  /// An address with the requests for it.
  struct Entry {
    net::NetworkAddress network;
    net::NetlinkRequest add;
    net::NetlinkRequest remove;
  };

  KernelAddresses(std::shared_ptr<KernelInterfaces> interfaces, KernelAddressesOptions options,
                  KernelAnnouncer announcer);

  [[nodiscard]] const InterfaceTable::Address* find(const Entry& entry) const;
  [[nodiscard]] bool is_ours(const Entry& entry) const;
  void start_batch();
  void add_to_batch(std::size_t entry, Bytes request);
  void send_batch();
  [[nodiscard]] Error failure(std::string_view verb, const Entry& entry, int error) const;

  std::shared_ptr<KernelInterfaces> interfaces_;
  KernelAddressesOptions options_;
  KernelAnnouncer announcer_;
  std::string forwarding_path_;
  std::shared_ptr<const SettingLease> promotion_;
  std::vector<Entry> entries_;
  // Requests that are sent together, and what became of each; room for all entries.
  std::vector<std::byte> batch_;
  std::vector<std::size_t> batch_entries_;
  std::vector<int> batch_errors_;
};

}  // namespace tandem::vrrp
