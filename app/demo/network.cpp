#include "app/demo/network.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "app/demo/link_request.hpp"
#include "base/check.hpp"
#include "base/text.hpp"
#include "net/netlink_socket.hpp"

namespace tandem::app::demo {

namespace {

constexpr const char* kBridge = "lan";
constexpr MacAddress kBridgeMac{0x02, 0, 0, 0, 0, 0x01};  // of our own making, RFC 7042 section 2.1
constexpr const char* kFarEnd = "eth0";

net::Fd present_network() { return net::Fd(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)); }

Error failed(const std::string& what, int error) {
  return Error{concat(what, ": ", std::generic_category().message(error),
                      error == EOPNOTSUPP ? " (a kernel module is missing: bridge or veth)" : "")};
}

}  // namespace

Result<NetworkNamespace> NetworkNamespace::create() {
  const net::Fd before = present_network();
  if (!before || unshare(CLONE_NEWNET) != 0) {
    return failed("a network namespace", errno);
  }
  NetworkNamespace created(present_network());
  auto loopback = set_up("lo", {}, 0);
  check(setns(before.get(), CLONE_NEWNET) == 0, "there is a way back into the namespace that one came from");
  if (!created.fd_ || !loopback) {
    return loopback ? failed("/proc/self/ns/net", errno) : loopback.error();
  }
  return created;
}

Result<> NetworkNamespace::inside(const std::function<Result<>()>& work) const {
  const net::Fd before = present_network();
  if (!before || setns(fd_.get(), CLONE_NEWNET) != 0) {
    return failed("entering a network namespace", errno);
  }
  auto done = work();
  check(setns(before.get(), CLONE_NEWNET) == 0, "there is a way back into the namespace that one came from");
  return done;
}

Result<> request_link(net::NetlinkRequest request, const std::string& what) {
  auto socket = net::NetlinkSocket::open();
  if (!socket) {
    return socket.error();
  }
  const int error = socket->request(request);
  return error == 0 ? Result<>() : failed(what, error);
}

Result<> set_up(const std::string& interface, const std::vector<IpAddress>& addresses, std::uint8_t prefix_length) {
  const std::uint32_t index = if_nametoindex(interface.c_str());
  for (const IpAddress& address : addresses) {
    auto added = request_link(net::add_address_request({index, address, prefix_length}, {}),
                              concat("address ", to_string(address), " on ", interface));
    if (!added) {
      return added;
    }
  }
  return request_link(net::set_link_request(index, net::LinkState::up), concat("interface ", interface));
}

Result<Lan> Lan::create(const std::vector<IpAddress>& addresses, std::uint8_t prefix_length) {
  if (auto made = request_link(add_bridge_request(kBridge, kBridgeMac), "a bridge"); !made) {
    return made.error();
  }
  for (const auto& up : {set_up(kBridge, addresses, prefix_length), set_up("lo", {}, 0)}) {
    if (!up) {
      return up.error();
    }
  }
  return Lan(if_nametoindex(kBridge), prefix_length);
}

Result<> Lan::plug_in(const std::string& port, const NetworkNamespace& network, const IpAddress& address) const {
  auto made =
      request_link(add_cable_request({port, index_, kFarEnd, network.fd().get()}), concat("a virtual cable to ", port));
  if (!made) {
    return made;
  }
  return network.inside([&] { return set_up(kFarEnd, {address}, prefix_length_); });
}

Result<> Lan::pull_out(const std::string& port) const {
  return request_link(net::remove_link_request(if_nametoindex(port.c_str())), concat("pulling the cable of ", port));
}

}  // namespace tandem::app::demo
