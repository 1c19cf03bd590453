#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "net/netlink_socket.hpp"
#include "vrrp/interface_settings.hpp"
#include "vrrp/interface_table.hpp"
#include "vrrp/platform.hpp"

namespace tandem::vrrp {

/// The links and addresses of this network namespace as the kernel tells them, the way to ask it for changes, and who
/// of this process has asked for what. One thread.
class KernelInterfaces final : public Interfaces {
 public:
  /// The error says what is missing.
  static Result<std::shared_ptr<KernelInterfaces>> open();

  [[nodiscard]] int fd() const override { return subscription_.fd(); }
  bool refresh() override;
  [[nodiscard]] InterfaceState find(const std::string& name) const override;

  /// Asks for everything anew. What changed is reported by the next refresh().
  Result<> reload();
  [[nodiscard]] const InterfaceTable& table() const { return table_; }
  [[nodiscard]] InterfaceTable& table() { return table_; }
  [[nodiscard]] net::NetlinkSocket& netlink() { return netlink_; }
  [[nodiscard]] SettingLeases& settings() { return settings_; }

  /// An open instance's address. Addresses with our mark that nobody has claimed were left behind by a predecessor.
  void claim(const net::NetworkAddress& network) { claims_.push_back(network); }
  void give_up(const net::NetworkAddress& network);
  [[nodiscard]] bool is_claimed(const net::NetworkAddress& network) const;

 private:
  KernelInterfaces(net::NetlinkSubscription subscription, net::NetlinkSocket netlink);

  net::NetlinkSubscription subscription_;
  net::NetlinkSocket netlink_;
  InterfaceTable table_;
  SettingLeases settings_;
  std::vector<net::NetworkAddress> claims_;
  bool changed_ = false;  // since the last refresh()
};

}  // namespace tandem::vrrp
