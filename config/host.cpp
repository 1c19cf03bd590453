#include "config/host.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

namespace tandem::config {

namespace {

std::optional<IpAddress> address_of(const sockaddr* address) {
  if (address == nullptr) {
    return std::nullopt;
  }
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
    return IpAddress(bytes);
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, address, sizeof in);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return IpAddress(bytes);
  }
  return std::nullopt;
}

unsigned length_of(const IpAddress& mask) {
  unsigned length = 0;
  for (const std::uint8_t byte : mask.bytes()) {
    for (unsigned bit = 0x80; bit != 0 && (byte & bit) != 0; bit >>= 1U) {
      ++length;
    }
  }
  return length;
}

HostInterface& named(Host& host, const char* name) {
  const auto found = std::find_if(host.interfaces.begin(), host.interfaces.end(),
                                  [&](const HostInterface& interface) { return interface.name == name; });
  return found != host.interfaces.end() ? *found : host.interfaces.emplace_back(HostInterface{name, {}});
}

}  // namespace

Host this_host() {
  Host host;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) {
    return host;
  }
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(first, &freeifaddrs);
  for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
    HostInterface& interface = named(host, at->ifa_name);
    const std::optional<IpAddress> address = address_of(at->ifa_addr);
    const std::optional<IpAddress> mask = address_of(at->ifa_netmask);
    if (address && mask) {
      interface.addresses.push_back({*address, length_of(*mask)});
    }
  }
  return host;
}

}  // namespace tandem::config
