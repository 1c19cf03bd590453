#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "net/fd.hpp"
#include "net/netlink_message.hpp"

namespace tandem::app::demo {

/// A network namespace, which lives as long as somebody refers to it: this object, a process, or a socket.
class NetworkNamespace {
 public:
  NetworkNamespace() = default;
  /// A new one, whose loopback interface is up. The caller stays where it is.
  static Result<NetworkNamespace> create();

  [[nodiscard]] const net::Fd& fd() const { return fd_; }
  /// Does `work` in there, on the calling thread.
  Result<> inside(const std::function<Result<>()>& work) const;

 private:
  explicit NetworkNamespace(net::Fd fd) : fd_(std::move(fd)) {}

  net::Fd fd_;
};

/// Sends one request to the kernel of the present namespace; the error begins with `what`.
Result<> request_link(net::NetlinkRequest request, const std::string& what);

/// Puts addresses on an interface of the present namespace and brings it up.
Result<> set_up(const std::string& interface, const std::vector<IpAddress>& addresses, std::uint8_t prefix_length);

/// The bridge that joins everybody, in the present namespace, whose loopback interface it needs.
class Lan {
 public:
  /// Makes it, with these addresses.
  static Result<Lan> create(const std::vector<IpAddress>& addresses, std::uint8_t prefix_length);

  /// A cable from a port of this name to the interface eth0 of `network`, which gets this address.
  Result<> plug_in(const std::string& port, const NetworkNamespace& network, const IpAddress& address) const;
  /// Pulls it out; gone at once, at both ends.
  Result<> pull_out(const std::string& port) const;

 private:
  Lan(std::uint32_t index, std::uint8_t prefix_length) : index_(index), prefix_length_(prefix_length) {}

  std::uint32_t index_;
  std::uint8_t prefix_length_;
};

}  // namespace tandem::app::demo
