#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "net/fd.hpp"
#include "vrrp/interface_settings.hpp"
#include "vrrp/interface_table.hpp"
#include "vrrp/kernel_addresses.hpp"
#include "vrrp/kernel_interfaces.hpp"
#include "vrrp/kernel_macvlan.hpp"
#include "vrrp/packet.hpp"
#include "vrrp/platform.hpp"
#include "vrrp/raw_transport.hpp"

namespace tandem::vrrp {
namespace {

using Link = InterfaceTable::Link;
using Owner = InterfaceTable::Owner;

class Host final : public Platform {
 public:
  Host(std::shared_ptr<KernelInterfaces> kernel, std::string release)
      : kernel_(std::move(kernel)), release_(std::move(release)) {}

  [[nodiscard]] Interfaces& interfaces() override { return *kernel_; }
  Result<Port> open(const Options& options) override;

 private:
  Result<std::shared_ptr<KernelMacvlan>> open_macvlan(const Options& options, const Link& link);
  Result<> clean_up(const Link& link);
  [[nodiscard]] bool is_open(std::uint32_t macvlan) const;

  std::shared_ptr<KernelInterfaces> kernel_;
  std::string release_;                                             // of the kernel
  std::map<std::string, std::weak_ptr<KernelMacvlan>> macvlans_{};  // by name: two openings of one instance share it
};

IpAddress::Family family_of(const Options& options) {
  const bool v4 = options.addresses.empty() || options.addresses.front().address.is_v4();
  return v4 ? IpAddress::Family::v4 : IpAddress::Family::v6;
}

bool Host::is_open(std::uint32_t macvlan) const {
  return std::ranges::any_of(macvlans_, [&](const auto& known) {
    const auto open = known.second.lock();
    return open && open->link().index == macvlan;
  });
}

/// Takes off what a predecessor has left behind on an interface: addresses with our mark that no instance of this
/// process has, and macvlans.
Result<> Host::clean_up(const Link& link) {
  std::vector<std::byte> requests;
  std::vector<net::NetworkAddress> removed;
  for (const InterfaceTable::Address& address : link.addresses) {
    if (address.owner == Owner::ours && !kernel_->is_claimed(address.network)) {
      const net::NetlinkRequest request = net::remove_address_request(address.network);
      requests.insert(requests.end(), request.begin(), request.end());
      removed.push_back(address.network);
    }
  }
  if (removed.empty()) {
    return {};
  }
  std::vector<int> errors(removed.size());
  kernel_->netlink().request_all(requests, errors);
  const std::string name = link.name;
  for (std::size_t i = 0; i < removed.size(); ++i) {
    kernel_->table().remove(removed[i]);
    if (errors[i] != 0 && errors[i] != EADDRNOTAVAIL) {
      return Error{concat("interface \"", name, "\": cannot take off ", to_string(removed[i].address),
                          ", left behind by a predecessor: ", std::strerror(errors[i]))};
    }
  }
  return {};
}

Result<std::shared_ptr<KernelMacvlan>> Host::open_macvlan(const Options& options, const Link& link) {
  std::shared_ptr<KernelMacvlan> wanted;
  if (options.virtual_mac == VirtualMac::yes) {
    const MacAddress mac = virtual_mac(family_of(options), options.id);
    for (const auto& [name, known] : macvlans_) {
      const auto open = known.lock();
      const Link* place = open ? kernel_->table().find(open->link().index) : nullptr;
      if (place != nullptr && place->parent == link.index && place->mac == mac) {
        wanted = open;
      }
    }
    if (!wanted) {
      auto opened = KernelMacvlan::open(kernel_, link, family_of(options), options.id);
      if (!opened) {
        return opened.error();
      }
      wanted = std::move(*opened);
      macvlans_[wanted->name()] = wanted;
    }
  }
  return wanted;
}

Result<Port> Host::open(const Options& options) {
  if (auto loaded = kernel_->reload(); !loaded) {
    return loaded.error();
  }
  const Link* found = kernel_->table().find(std::string_view(options.interface));
  if (found == nullptr) {
    return Error{concat("interface \"", options.interface, "\" does not exist")};
  }
  const Link link = *found;  // the table changes below
  auto macvlan = open_macvlan(options, link);
  if (!macvlan) {
    return macvlan.error();
  }
  const std::vector<Link> links = kernel_->table().links();
  for (const Link& other : links) {
    const bool left_behind = other.kind == "macvlan" && other.parent == link.index && other.alias == kMarkAlias;
    if (left_behind && !is_open(other.index)) {
      net::NetlinkRequest request = net::remove_link_request(other.index);
      (void)kernel_->netlink().request(request);  // what is left of it disturbs nobody: its addresses are cleaned up
    }
    if (other.index == link.index || left_behind) {
      if (auto cleaned = clean_up(other); !cleaned && other.index == link.index) {
        return cleaned.error();
      }
    }
  }

  RawTransportOptions transport_options;
  transport_options.interface = link.name;
  transport_options.index = link.index;
  transport_options.family = family_of(options);
  transport_options.delivery = options.peers.empty() ? Delivery::multicast : Delivery::unicast;
  if (*macvlan) {
    transport_options.virtual_link = (*macvlan)->link();
  }
  auto transport = RawTransport::open(transport_options);
  if (!transport) {
    return transport.error();
  }
  auto addresses = KernelAddresses::open(
      kernel_, {link.name, link.index, options.addresses, choose_mark(release_, options.virtual_mac), *macvlan});
  if (!addresses) {
    return addresses.error();
  }
  Port port;
  port.transport = std::move(*transport);
  port.addresses = std::move(*addresses);
  port.warnings = mute_warnings(options, link, read_setting);
  return port;
}

/// Whether the kernel would let us change anything: it is asked for something that cannot be done.
bool may_administrate(KernelInterfaces& kernel) {
  constexpr std::uint32_t nowhere = 0x7fffffff;
  net::NetlinkRequest request = net::remove_address_request({nowhere, IpAddress(), 32});
  return kernel.netlink().request(request) != EPERM;
}

}  // namespace

Result<std::unique_ptr<Platform>> open_host() {
  const net::Fd raw(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, kProtocol));
  if (!raw) {
    return Error{concat("cannot open a socket of protocol 112: ", std::strerror(errno),
                        errno == EPERM ? " (VRRP needs CAP_NET_ADMIN and CAP_NET_RAW)" : "")};
  }
  auto kernel = KernelInterfaces::open();
  if (!kernel) {
    return kernel.error();
  }
  if (!may_administrate(**kernel)) {
    return Error{"cannot change addresses: Operation not permitted (VRRP needs CAP_NET_ADMIN and CAP_NET_RAW)"};
  }
  utsname system{};
  const bool known = ::uname(&system) == 0;
  return std::unique_ptr<Platform>(std::make_unique<Host>(std::move(*kernel), known ? system.release : ""));
}

}  // namespace tandem::vrrp
