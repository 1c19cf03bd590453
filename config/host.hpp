#pragma once

#include <string>
#include <vector>

#include "base/address.hpp"

namespace tandem::config {

/// An address that an interface has, and the length of its network.
struct HostAddress {
  IpAddress address;
  unsigned prefix_length = 0;
};

/// A network interface as `tandem check` sees it.
struct HostInterface {
  std::string name;
  std::vector<HostAddress> addresses;
};

/// The machine that a file is compared with.
struct Host {
  std::vector<HostInterface> interfaces;
};

/// This one; empty where the kernel does not say.
Host this_host();

}  // namespace tandem::config
