#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "vrrp/interface_settings.hpp"
#include "vrrp/kernel_interfaces.hpp"
#include "vrrp/options.hpp"
#include "vrrp/raw_transport.hpp"

namespace tandem::vrrp {

/// The interface with the virtual MAC address of one virtual router, RFC 9568 section 7.3: a macvlan on the instance's
/// own, up only while the router is active, so that a backup never teaches a switch the virtual MAC address. One
/// thread.
class KernelMacvlan {
 public:
  /// Makes it, or takes over one that lies there already with the same parent and MAC address; down. Changes the
  /// settings of the parent that would let it answer in the macvlan's stead. The error names the interface and the
  /// cause.
  static Result<std::shared_ptr<KernelMacvlan>> open(std::shared_ptr<KernelInterfaces> interfaces,
                                                     const InterfaceTable::Link& parent, IpAddress::Family family,
                                                     VirtualRouterId id);
  /// Removes it.
  ~KernelMacvlan();
  KernelMacvlan(const KernelMacvlan&) = delete;
  KernelMacvlan& operator=(const KernelMacvlan&) = delete;

  [[nodiscard]] const VirtualLink& link() const { return link_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool is_up() const;
  /// Allocates nothing but the text of an error.
  Result<> set(net::LinkState state);
  /// The request that takes it down.
  [[nodiscard]] Bytes down_request() const { return down_; }

 private:
  KernelMacvlan(std::shared_ptr<KernelInterfaces> interfaces, std::string name, VirtualLink link);

  Result<> prepare(const std::string& parent, IpAddress::Family family);

  std::shared_ptr<KernelInterfaces> interfaces_;
  std::string name_;
  VirtualLink link_;
  net::NetlinkRequest up_;
  net::NetlinkRequest down_;
  std::vector<std::shared_ptr<const SettingLease>> parent_settings_;
};

}  // namespace tandem::vrrp
