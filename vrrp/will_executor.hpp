#pragma once

#include "base/result.hpp"
#include "net/fd.hpp"
#include "vrrp/will.hpp"

namespace tandem::vrrp {

/// Carries out what a process can no longer do itself. Owns its sockets, all of this network namespace. One thread.
class WillExecutor {
 public:
  /// Opens what every kind of entry needs. Needs CAP_NET_ADMIN and CAP_NET_RAW, and so does execute(); the error says
  /// so.
  static Result<WillExecutor> open();

  /// All entries in their order; goes on behind one that fails. What is gone already, an address or an interface, is no
  /// failure. Does not wait, and allocates nothing but the text of the error, which names the first failure.
  Result<> execute(const Will& will);

 private:
  WillExecutor(net::Fd netlink, net::Fd raw_v4, net::Fd raw_v6);

  net::Fd netlink_;
  net::Fd raw_v4_;
  net::Fd raw_v6_;  // none where the kernel has no IPv6
};

}  // namespace tandem::vrrp
