#include "vrrp/interface_settings.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "net/fd.hpp"

namespace tandem::vrrp {
namespace {

using Family = IpAddress::Family;

std::string path_of(const InterfaceSetting& setting) {
  return concat("/proc/sys/net/", setting.family == Family::v4 ? "ipv4" : "ipv6", "/conf/", setting.interface, "/",
                setting.name);
}

std::optional<int> read_number(const std::string& path) {
  const net::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 16> text{};
  const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : -1;
  int value = 0;
  if (size <= 0 || std::from_chars(text.data(), text.data() + size, value).ec != std::errc{}) {
    return std::nullopt;
  }
  return value;
}

/// Whether somebody else's address on the link, or the virtual one by its own prefix, has neighbours in one network
/// with it.
bool has_neighbours(const VirtualAddress& address, const InterfaceTable::Link& link) {
  if (address.prefix_length < 32) {
    return true;
  }
  return std::ranges::any_of(link.addresses, [&](const InterfaceTable::Address& other) {
    return other.network.prefix_length < 32 && other.network.address.is_v4() &&
           Prefix(other.network.address, other.network.prefix_length).contains(address.address);
  });
}

std::vector<std::string> warnings_v4(const Options& options, const InterfaceTable::Link& link,
                                     const ReadSetting& read) {
  std::vector<std::string> warnings;
  const auto value = [&](std::string_view interface, std::string_view name) {
    return read({Family::v4, std::string(interface), name}).value_or(0);
  };
  const bool is_virtual = options.virtual_mac == VirtualMac::yes;
  // The interface with the virtual MAC address has settings that we choose; there only those of "all" can hurt.
  const int of_all = value("all", "arp_ignore");
  const int of_link = is_virtual ? 0 : value(link.name, "arp_ignore");
  const int arp_ignore = std::max(of_all, of_link);
  const std::string_view place = of_all >= of_link ? std::string_view("all") : std::string_view(link.name);
  if (arp_ignore == 8) {
    warnings.push_back(concat("net.ipv4.conf.", place,
                              ".arp_ignore = 8: no ARP request for a virtual address is answered; ",
                              "set it to 0 or 1"));
  }
  for (const VirtualAddress& address : options.addresses) {
    InterfaceTable::Link nobody;
    if (arp_ignore == 2 && !has_neighbours(address, is_virtual ? nobody : link)) {
      warnings.push_back(concat("net.ipv4.conf.", place, ".arp_ignore = 2: no ARP request for ",
                                to_string(address.address), "/", int{address.prefix_length},
                                " is answered, since nobody is in one network with it; set it to 1, or give the ",
                                "address the prefix length of its network"));
    }
  }
  if (is_virtual && value("all", "arp_filter") == 1) {
    warnings.push_back(
        "net.ipv4.conf.all.arp_filter = 1: no ARP request for an address with a virtual MAC address is answered; set "
        "it to 0");
  }
  return warnings;
}

}  // namespace

std::string to_string(const InterfaceSetting& setting) {
  return concat("net.", setting.family == Family::v4 ? "ipv4" : "ipv6", ".conf.", setting.interface, ".", setting.name);
}

std::optional<int> read_setting(const InterfaceSetting& setting) { return read_number(path_of(setting)); }

Result<> write_setting(const InterfaceSetting& setting, int value) {
  const net::Fd file(::open(path_of(setting).c_str(), O_WRONLY | O_CLOEXEC));
  const std::string text = std::to_string(value);
  if (!file || ::write(file.get(), text.data(), text.size()) < 0) {
    return Error{concat("cannot set ", to_string(setting), " to ", value, ": ", std::strerror(errno))};
  }
  return {};
}

std::string forwarding_path(std::string_view interface) {
  return path_of({Family::v6, std::string(interface), "forwarding"});
}

bool is_forwarding(const std::string& path) { return read_number(path).value_or(0) != 0; }

SettingLease::SettingLease(InterfaceSetting setting, int before)
    : setting_(std::move(setting)), before_(before), index_(::if_nametoindex(setting_.interface.c_str())) {}

SettingLease::~SettingLease() {
  if (::if_nametoindex(setting_.interface.c_str()) == index_) {
    (void)write_setting(setting_, before_);  // nobody is left who could do anything about a failure
  }
}

Result<std::shared_ptr<const SettingLease>> SettingLeases::raise(const InterfaceSetting& setting, int value) {
  auto& known = leases_[setting];
  const auto before = read_setting(setting);
  const bool is_enough = before.value_or(0) >= value;
  if (auto lease = known.lock(); lease && is_enough) {
    return lease;
  }
  if (is_enough) {
    return std::shared_ptr<const SettingLease>();
  }
  if (auto written = write_setting(setting, value); !written) {
    return written.error();
  }
  auto lease = std::make_shared<const SettingLease>(setting, before.value_or(0));
  known = lease;
  return lease;
}

std::vector<std::string> mute_warnings(const Options& options, const InterfaceTable::Link& link,
                                       const ReadSetting& read) {
  const bool v4 = options.addresses.empty() || options.addresses.front().address.is_v4();
  std::vector<std::string> warnings = v4 ? warnings_v4(options, link, read) : std::vector<std::string>();
  if ((link.flags & IFF_NOARP) != 0) {
    warnings.push_back(
        concat("interface \"", link.name, "\" answers no neighbour (NOARP); run: ip link set ", link.name, " arp on"));
  }
  if (!v4 && read({Family::v6, link.name, "disable_ipv6"}).value_or(0) == 1) {
    warnings.push_back(concat("net.ipv6.conf.", link.name,
                              ".disable_ipv6 = 1: the interface can have no IPv6 address; ", "set it to 0"));
  }
  return warnings;
}

}  // namespace tandem::vrrp
