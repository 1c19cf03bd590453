#include "config/host.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "config/reader.hpp"
#include "tests/config/reading.hpp"

using namespace tandem;
using namespace tandem::config;

namespace {

HostAddress address(std::string_view text, unsigned length) { return {*IpAddress::parse(text), length}; }

/// eth0 with an address of each family, and eth1 without.
Host two_interfaces() {
  return {{{"lo", {address("127.0.0.1", 8)}},
           {"eth0", {address("192.0.2.2", 24), address("fe80::2", 64), address("2001:db8::2", 64)}},
           {"eth1", {}}}};
}

/// What is said of a virtual router from line 14, on a machine.
std::string said(std::string_view router, const Host& host) {
  const Reading reading = read(
      concat(
          kGood,
          "[listener.any]\nbind = [\"0.0.0.0:80\", \"[::]:80\"]\npool = \"orders\"\n[[vrrp]]\nname = \"a\"\nid = 1\n",
          router),
      no_environment, host);
  CHECK(reading.config.has_value());
  return join(lines(reading), "\n");
}

}  // namespace

TEST_SUITE("config/host") {
  TEST_CASE("a file that fits the machine is not remarked") {
    CHECK(said("interface = \"eth0\"\naddresses = [\"192.0.2.100/24\"]\ntrack_interfaces = [\"eth1\"]\n"
               "peers = [\"192.0.2.3\"]\n",
               two_interfaces())
              .empty());
    CHECK(
        said("interface = \"eth0\"\naddresses = [\"fe80::100/64\", \"2001:db8::100/64\"]\n", two_interfaces()).empty());
  }

  TEST_CASE("interfaces that are missing are named with those that are there") {
    CHECK(said("interface = \"ens3\"\naddresses = [\"192.0.2.100/24\"]\ntrack_interfaces = [\"eth2\"]\n",
               two_interfaces()) ==
          "t.toml:17:13: warning: vrrp \"a\": this machine has no interface \"ens3\"; it has: eth0, eth1\n"
          "t.toml:19:20: warning: vrrp \"a\": this machine has no interface \"eth2\"; it has: eth0, eth1");
    CHECK(said("interface = \"ens3\"\naddresses = [\"192.0.2.100/24\"]\n", Host{}) ==
          "t.toml:17:13: warning: vrrp \"a\": this machine has no interface \"ens3\"; it has: none but lo");
  }

  TEST_CASE("network lengths that do not fit the interface are named with its own") {
    const std::string_view start = "interface = \"eth0\"\naddresses = ";
    CHECK(said(concat(start, "[\"192.0.2.100\"]\n"), two_interfaces()) ==
          "t.toml:18:14: warning: vrrp \"a\": addresses: \"192.0.2.100\" means /32, and eth0 here has 192.0.2.2/24, so "
          "/24 was probably meant; /32 works too");
    CHECK(said(concat(start, "[\"192.0.2.100/32\"]\n"), two_interfaces()) ==
          "t.toml:18:14: warning: vrrp \"a\": addresses: \"192.0.2.100/32\": eth0 here has 192.0.2.2/24, so /24 was "
          "probably meant; /32 works too");
    CHECK(said(concat(start, "[\"192.0.2.100/25\"]\n"), two_interfaces()) ==
          "t.toml:18:14: warning: vrrp \"a\": addresses: \"192.0.2.100/25\": eth0 here has 192.0.2.2/24, so /24 was "
          "probably meant; with /25 some neighbours would be reached another way");
    CHECK(said(concat(start, "[\"10.0.0.100/24\"]\n"), two_interfaces()) ==
          "t.toml:18:14: warning: vrrp \"a\": addresses: \"10.0.0.100/24\" is in no network of eth0 on this machine; "
          "neighbours find it by a route only");
  }

  TEST_CASE("an address that is already there does not count as the interface's network") {
    Host active = two_interfaces();
    active.interfaces[1].addresses.push_back(address("192.0.2.100", 32));

    CHECK(said("interface = \"eth0\"\naddresses = [\"192.0.2.100/24\"]\n", active).empty());
  }

  TEST_CASE("an owner without the address is remarked") {
    CHECK(said("interface = \"eth0\"\npriority = 255\naddresses = [\"192.0.2.2/24\"]\n", two_interfaces()).empty());
    CHECK(said("interface = \"eth0\"\npriority = 255\naddresses = [\"192.0.2.100/24\"]\n", two_interfaces()) ==
          "t.toml:18:12: warning: vrrp \"a\": priority 255 is the owner's, and eth0 on this machine does not have "
          "192.0.2.100; others have 1 to 254");
  }

  TEST_CASE("a peer that is this machine is remarked") {
    CHECK(said("interface = \"eth0\"\naddresses = [\"192.0.2.100/24\"]\npeers = [\"192.0.2.2\"]\n", two_interfaces()) ==
          "t.toml:19:10: warning: vrrp \"a\": peers: \"192.0.2.2\" is eth0's on this machine; name the other node's "
          "address");
  }

  TEST_CASE("this machine has its loopback interface with its network") {
    const Host host = this_host();
    const auto loopback = std::find_if(host.interfaces.begin(), host.interfaces.end(),
                                       [](const HostInterface& interface) { return interface.name == "lo"; });
    REQUIRE(loopback != host.interfaces.end());
    for (const HostAddress& own : loopback->addresses) {
      if (own.address == *IpAddress::parse("127.0.0.1")) {
        CHECK(own.prefix_length == 8);
      }
    }
  }
}
