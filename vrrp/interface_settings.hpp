#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "vrrp/interface_table.hpp"
#include "vrrp/options.hpp"

namespace tandem::vrrp {

/// One of the kernel's settings of an interface, or of "all" of them: net.ipv4.conf.eth0.arp_ignore.
struct InterfaceSetting {
  IpAddress::Family family = IpAddress::Family::v4;
  std::string interface;
  std::string_view name;  // a literal

  friend auto operator<=>(const InterfaceSetting&, const InterfaceSetting&) = default;
};

/// "net.ipv4.conf.eth0.arp_ignore"
std::string to_string(const InterfaceSetting& setting);
/// Nothing where the kernel has no such setting.
std::optional<int> read_setting(const InterfaceSetting& setting);
/// The error names the setting, the value and the cause.
Result<> write_setting(const InterfaceSetting& setting, int value);
/// For interfaces that forward, IPv6 only; allocates nothing once `path` has been made by forwarding_path().
std::string forwarding_path(std::string_view interface);
bool is_forwarding(const std::string& path);

/// A setting that has another value as long as anybody needs it.
class SettingLease {
 public:
  SettingLease(InterfaceSetting setting, int before);
  /// Puts the value of before back, unless the interface is gone or another one by now.
  ~SettingLease();
  SettingLease(const SettingLease&) = delete;
  SettingLease& operator=(const SettingLease&) = delete;

 private:
  InterfaceSetting setting_;
  int before_;
  unsigned index_;  // of the interface; 0: "all"
};

/// Who needs which setting. One thread.
class SettingLeases {
 public:
  /// The setting is at least `value` until the lease and all its copies are gone. A larger one stays.
  Result<std::shared_ptr<const SettingLease>> raise(const InterfaceSetting& setting, int value);

 private:
  std::map<InterfaceSetting, std::weak_ptr<const SettingLease>> leases_;
};

using ReadSetting = std::function<std::optional<int>(const InterfaceSetting&)>;

/// What on this host would make an address of the instance mute, each with its value and the cure. `link` is the
/// instance's interface.
std::vector<std::string> mute_warnings(const Options& options, const InterfaceTable::Link& link,
                                       const ReadSetting& read);

}  // namespace tandem::vrrp
