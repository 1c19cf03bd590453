#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>

#include "tests/vrrp/captured.hpp"
#include "tests/vrrp/golden.hpp"
#include "tests/vrrp/namespace.hpp"
#include "vrrp/platform.hpp"

namespace tandem::vrrp {

/// A pair of interfaces joined by a wire, "va" for the instance and "vb" for who looks on. Nothing but what a test
/// causes is on the wire: neither makes IPv6 addresses of its own.
inline void add_wire(std::string_view mac = "02:00:00:00:00:0a") {
  run("ip link add va address " + std::string(mac) + " type veth peer name vb");
  for (const std::string name : {"va", "vb"}) {
    run("ip link set " + name + " addrgenmode none");
    set_sysctl("ipv6/conf/" + name + "/mldv2_unsolicited_report_interval", "1");
    run("ip link set " + name + " up");
  }
}

inline Options instance(std::string_view address, std::uint8_t prefix_length, std::string_view interface = "va") {
  Options options;
  options.name = "front";
  options.interface = std::string(interface);
  options.id = VirtualRouterId{51};
  options.addresses = {{ip(address), prefix_length}};
  return options;
}

inline std::unique_ptr<Platform> host() {
  auto opened = open_host();
  REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().text));
  return std::move(*opened);
}

inline Port port(Platform& platform, const Options& options) {
  auto opened = platform.open(options);
  REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().text));
  return std::move(*opened);
}

inline void require_done(const Result<>& result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().text));
}

inline const Golden& golden(std::string_view name) {
  for (const Golden& candidate : kGolden) {
    if (candidate.name == name) {
      return candidate;
    }
  }
  FAIL("there is no golden frame of that name");
  return kGolden[0];
}

/// What "ip address" shows of the interface.
inline bool has_address(const std::string& interface, const std::string& pattern) {
  return std::system(("ip -o address show dev " + interface + " | grep -q '" + pattern + "'").c_str()) == 0;
}

}  // namespace tandem::vrrp
