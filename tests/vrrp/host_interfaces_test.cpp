#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tests/vrrp/host_fixture.hpp"
#include "tests/vrrp/namespace.hpp"
#include "tests/vrrp/support.hpp"
#include "tests/vrrp/wire.hpp"
#include "vrrp/announcement.hpp"
#include "vrrp/platform.hpp"

namespace tandem::vrrp {
namespace {

/// Until the interface looks as wanted; false after two seconds without news.
bool wait_until(Interfaces& interfaces, const std::function<bool(const InterfaceState&)>& wanted) {
  constexpr int events_max = 100;
  for (int i = 0; i < events_max; ++i) {
    interfaces.refresh();
    if (wanted(interfaces.find("va"))) {
      return true;
    }
    pollfd readable{interfaces.fd(), POLLIN, 0};
    if (::poll(&readable, 1, 2000) != 1) {
      return false;
    }
  }
  return false;
}

Options with_virtual_mac(std::string_view address, std::uint8_t prefix_length) {
  Options options = instance(address, prefix_length);
  options.virtual_mac = VirtualMac::yes;
  return options;
}

bool exists(const std::string& interface) {
  return std::system(("ip link show dev " + interface + " >/dev/null 2>&1").c_str()) == 0;
}

bool looks(const std::string& interface, const std::string& pattern) {
  return std::system(("ip -d -o link show dev " + interface + " | grep -q '" + pattern + "'").c_str()) == 0;
}

/// "who has `target`, tell `sender`", from a MAC address that is not ours.
Frame arp_request(std::string_view sender, std::string_view target) {
  GratuitousArp frame = gratuitous_arp({2, 0, 0, 0, 0, 0x99}, ip(sender));
  const IpAddress wanted = ip(target);
  std::ranges::copy(std::as_bytes(std::span(wanted.bytes()).first(4)), frame.begin() + 38);
  return Frame(frame.begin(), frame.end());
}

/// The MAC address that the answer gives; empty: nobody answers.
std::string ask(Wire& wire, std::string_view target) {
  wire.waiting(is_arp);
  wire.send(arp_request("10.77.0.9", target));
  const Frame answer = wire.next([](Bytes frame) { return is_arp(frame) && read_u16(frame.subspan(20)) == 2; },
                                 std::chrono::milliseconds(300));  // the kernel answers within the call
  return answer.empty() ? "" : to_hex(Bytes(answer).subspan(22, 6));
}

/// An echo request from 10.77.0.9 to the virtual address 10.77.0.100 at its virtual MAC address.
Frame echo_request() {
  return from_hex(
      "00005e000133"
      "020000000099"
      "0800"
      "4500001c00010000400165da0a4d00090a4d0064"
      "0800f7fd00010001");
}

/// Whether somebody asks for 10.77.0.9, as who wants to answer it must.
Frame question(Wire& wire) {
  return wire.next([](Bytes frame) {
    return is_arp(frame) && read_u16(frame.subspan(20)) == 1 && to_hex(frame.subspan(38, 4)) == "0a4d0009";
  });
}

TEST_SUITE("vrrp/host/interfaces") {
  TEST_CASE("the source addresses are the first ones that are not virtual") {
    in_own_network([] {
      add_wire();
      const auto platform = host();
      Port v4 = port(*platform, instance("10.77.0.100", 24));
      Port v6 = port(*platform, instance("fe80::77:100", 64));
      require_done(v4.addresses->acquire());
      require_done(v6.addresses->acquire());
      platform->interfaces().refresh();
      CHECK_FALSE(platform->interfaces().find("va").source_v4.has_value());
      CHECK_FALSE(platform->interfaces().find("va").source_v6.has_value());

      run("ip address add 10.77.0.1/24 dev va; ip address add 10.77.0.2/24 dev va");
      run("ip address add fd77::1/64 dev va nodad; ip address add fe80::1/64 dev va nodad");
      CHECK(platform->interfaces().refresh());

      const InterfaceState state = platform->interfaces().find("va");
      CHECK(state.source_v4 == ip("10.77.0.1"));
      CHECK(state.source_v6 == ip("fe80::1"));
      CHECK(state.source_v6_global == ip("fd77::1"));
      CHECK(state.mac == MacAddress{2, 0, 0, 0, 0, 0x0a});
      CHECK(platform->interfaces().find("nowhere") == InterfaceState{});
    });
  }

  TEST_CASE("a link that loses its carrier is down at once") {
    in_own_network([] {
      add_wire();
      const auto platform = host();
      CHECK(wait_until(platform->interfaces(), [](const InterfaceState& state) { return state.up; }));

      run("ip link set vb down");
      CHECK(wait_until(platform->interfaces(), [](const InterfaceState& state) { return !state.up; }));
      run("ip link set vb up");
      CHECK(wait_until(platform->interfaces(), [](const InterfaceState& state) { return state.up; }));
      run("ip link set va down");
      CHECK(wait_until(platform->interfaces(), [](const InterfaceState& state) { return !state.up; }));
    });
  }

  TEST_CASE("an interface that is deleted and made anew is another one") {
    in_own_network([] {
      add_wire();
      const auto platform = host();
      Port old = port(*platform, instance("10.77.0.100", 24));
      require_done(old.addresses->acquire());
      const std::uint32_t before = platform->interfaces().find("va").index;

      run("ip link del va");
      CHECK(wait_until(platform->interfaces(), [](const InterfaceState& state) { return state.index == 0; }));
      CHECK_FALSE(old.addresses->any());
      add_wire();
      CHECK(wait_until(platform->interfaces(), [](const InterfaceState& state) { return state.up; }));

      CHECK(platform->interfaces().find("va").index != before);
      Port anew = port(*platform, instance("10.77.0.100", 24));
      old = Port{};
      require_done(anew.addresses->acquire());
      CHECK(anew.addresses->complete());
      CHECK(has_address("va", "10.77.0.100/24"));
    });
  }

  TEST_CASE("a missing interface is named") {
    in_own_network([] {
      const auto opened = host()->open(instance("10.77.0.100", 24, "eth9"));

      REQUIRE_FALSE(opened.has_value());
      CHECK(opened.error().text == "interface \"eth9\" does not exist");
    });
  }

  TEST_CASE("news that did not fit are asked for anew") {
    in_own_network([] {
      add_wire();
      const auto platform = host();

      run("ip address add 10.77.0.1/24 dev va");
      run("i=0; while [ $i -lt 3000 ]; do echo link set va alias n$i; i=$((i+1)); done | ip -batch -");
      run("ip address del 10.77.0.1/24 dev va; ip address add 10.77.0.2/24 dev va");

      CHECK(platform->interfaces().refresh());
      CHECK(platform->interfaces().find("va").source_v4 == ip("10.77.0.2"));
      CHECK_FALSE(platform->interfaces().refresh());
    });
  }
}

TEST_SUITE("vrrp/host/virtual_mac") {
  TEST_CASE("the interface with the virtual MAC address is up only while active and gone at the end") {
    for (const std::string family : {"ipv4", "ipv6"}) {
      CAPTURE(family);
      in_own_network([&] {
        add_wire();
        run("ip address add 10.77.0.1/24 dev va; ip address add fe80::1/64 dev va nodad");
        const bool v4 = family == "ipv4";
        const std::string name = v4 ? "vrrp.51" : "vrrp6.51";
        Wire wire("vb");
        const std::string virtual_source = v4 ? "00005e000133" : "00005e000233";
        const auto is_virtual = [&](Bytes frame) { return to_hex(frame.subspan(6, 6)) == virtual_source; };
        {
          const auto platform = host();
          Port opened =
              port(*platform, v4 ? with_virtual_mac("10.77.0.100", 24) : with_virtual_mac("fe80::77:100", 64));
          CHECK(
              looks(name, v4 ? "00:00:5e:00:01:33.*macvlan mode private" : "00:00:5e:00:02:33.*macvlan mode private"));
          CHECK_FALSE(looks(name, "[<,]UP[,>]"));
          CHECK_FALSE(opened.addresses->any());

          require_done(opened.addresses->acquire());
          CHECK(looks(name, "[<,]UP[,>]"));
          CHECK(opened.addresses->complete());
          platform->interfaces().refresh();
          CHECK(opened.addresses->complete());
          CHECK(has_address(name, v4 ? "10.77.0.100/24" : "fe80::77:100/64"));
          CHECK_FALSE(has_address(name, "tentative"));
          CHECK_FALSE(has_address("va", v4 ? "10.77.0.100" : "fe80::77:100"));

          opened.addresses->announce(1);
          const Frame sent = wire.next(v4 ? is_arp : is_neighbour_advertisement);
          CHECK(is_virtual(sent));

          require_done(opened.addresses->release());
          CHECK_FALSE(looks(name, "[<,]UP[,>]"));
          CHECK_FALSE(opened.addresses->any());
          wire.waiting(is_virtual);
          CHECK_FALSE(opened.addresses->any());
        }
        CHECK_FALSE(exists(name));
        CHECK(wire.waiting(is_virtual).empty());
      });
    }
  }

  TEST_CASE("only the virtual MAC address answers for the address and only while active") {
    in_own_network([] {
      add_wire();
      run("ip address add 10.77.0.1/24 dev va");
      set_sysctl("ipv4/conf/all/rp_filter", "1");
      const std::string before = sysctl("ipv4/conf/va/arp_ignore");
      Wire wire("vb");
      {
        const auto platform = host();
        Port opened = port(*platform, with_virtual_mac("10.77.0.100", 24));
        CHECK(ask(wire, "10.77.0.100").empty());
        require_done(opened.addresses->acquire());

        CHECK(ask(wire, "10.77.0.100") == "00005e000133");
        CHECK(ask(wire, "10.77.0.1") == "02000000000a");
        CHECK(sysctl("ipv4/conf/va/arp_ignore") == "1");

        require_done(opened.addresses->release());
        CHECK(ask(wire, "10.77.0.100").empty());
      }
      CHECK(sysctl("ipv4/conf/va/arp_ignore") == before);
    });
  }

  TEST_CASE("clients reach the virtual MAC address and are answered from the other one") {
    for (const std::string reverse_path_filter : {"0", "1", "2"}) {
      CAPTURE(reverse_path_filter);
      in_own_network([&] {
        add_wire();
        run("ip address add 10.77.0.1/24 dev va");
        set_sysctl("ipv4/conf/all/rp_filter", reverse_path_filter);
        const auto platform = host();
        Port opened = port(*platform, with_virtual_mac("10.77.0.100", 24));
        require_done(opened.addresses->acquire());
        Wire wire("vb");

        wire.send(echo_request());

        // To ask in the name of the virtual address would tell the client the wrong MAC address.
        const Frame asked = question(wire);
        REQUIRE_FALSE(asked.empty());
        CHECK(to_hex(Bytes(asked).subspan(22, 10)) ==
              "02000000000a"
              "0a4d0001");
      });
    }
  }

  TEST_CASE("a remnant of a dead predecessor is taken over or removed") {
    in_own_network([] {
      add_wire();
      run("ip address add 10.77.0.1/24 dev va");
      // As a predecessor leaves them behind when it is killed.
      run("ip link add link va name vrrp.51 address 00:00:5e:00:01:33 type macvlan mode private");
      run("ip link set vrrp.51 alias tandem up; ip address add 10.77.0.100/24 dev vrrp.51 metric 11201120");
      run("ip link add link va name vrrp.52 address 00:00:5e:00:01:34 type macvlan mode private");
      run("ip link set vrrp.52 alias tandem");
      run("ip link add link va name vrrp.53 address 00:00:5e:00:01:35 type macvlan mode private");

      const auto platform = host();
      Port opened = port(*platform, with_virtual_mac("10.77.0.100", 24));

      CHECK_FALSE(looks("vrrp.51", "[<,]UP[,>]"));
      CHECK_FALSE(has_address("vrrp.51", "10.77.0.100"));
      CHECK_FALSE(opened.addresses->any());
      CHECK_FALSE(exists("vrrp.52"));
      CHECK(exists("vrrp.53"));
    });
  }

  TEST_CASE("an instance that is opened twice has one interface until both are closed") {
    in_own_network([] {
      add_wire();
      run("ip address add 10.77.0.1/24 dev va");
      const auto platform = host();
      Port first = port(*platform, with_virtual_mac("10.77.0.100", 24));
      require_done(first.addresses->acquire());
      Port second = port(*platform, with_virtual_mac("10.77.0.100", 24));
      CHECK(has_address("vrrp.51", "10.77.0.100/24"));

      require_done(first.addresses->release());
      first = Port{};

      CHECK(exists("vrrp.51"));
      require_done(second.addresses->acquire());
      CHECK(second.addresses->complete());
      second = Port{};
      CHECK_FALSE(exists("vrrp.51"));
    });
  }

  TEST_CASE("one id on two interfaces makes two names") {
    in_own_network([] {
      add_wire();
      run("ip address add 10.77.0.1/24 dev va; ip address add 10.78.0.1/24 dev vb");
      const auto platform = host();
      Port first = port(*platform, with_virtual_mac("10.77.0.100", 24));
      Options options = instance("10.78.0.100", 24, "vb");
      options.virtual_mac = VirtualMac::yes;
      Port second = port(*platform, options);

      require_done(first.addresses->acquire());
      require_done(second.addresses->acquire());

      CHECK(has_address("vrrp.51", "10.77.0.100/24"));
      CHECK(has_address("vrrp.51." + std::to_string(platform->interfaces().find("vb").index), "10.78.0.100/24"));
    });
  }
}

TEST_SUITE("vrrp/host/warnings") {
  TEST_CASE("what is warned of is mute and nothing else is") {
    struct Case {
      std::string setting;
      std::string value;
      std::string address;
      std::uint8_t prefix_length;
      VirtualMac mac;
    };
    const std::vector<Case> cases{
        {"all/arp_ignore", "1", "10.77.0.100", 32, VirtualMac::no},
        {"all/arp_ignore", "2", "10.77.0.100", 32, VirtualMac::no},
        {"all/arp_ignore", "2", "10.78.0.100", 32, VirtualMac::no},
        {"all/arp_ignore", "3", "10.77.0.100", 24, VirtualMac::no},
        {"va/arp_ignore", "8", "10.77.0.100", 24, VirtualMac::no},
        {"va/arp_ignore", "8", "10.77.0.100", 24, VirtualMac::yes},
        {"all/arp_ignore", "8", "10.77.0.100", 24, VirtualMac::yes},
        {"all/arp_ignore", "2", "10.77.0.100", 24, VirtualMac::yes},
        {"all/arp_ignore", "2", "10.77.0.100", 32, VirtualMac::yes},
        {"all/arp_filter", "1", "10.77.0.100", 24, VirtualMac::no},
        {"all/arp_filter", "1", "10.77.0.100", 24, VirtualMac::yes},
        {"all/arp_announce", "2", "10.77.0.100", 24, VirtualMac::no},
        {"all/rp_filter", "1", "10.77.0.100", 24, VirtualMac::yes},
        {"default/arp_filter", "1", "10.77.0.100", 24, VirtualMac::yes},
    };
    for (const Case& each : cases) {
      CAPTURE(each.setting);
      CAPTURE(each.value);
      CAPTURE(each.address);
      CAPTURE(each.mac);
      in_own_network([&] {
        add_wire();
        run("ip address add 10.77.0.1/24 dev va");
        set_sysctl("ipv4/conf/" + each.setting, each.value);
        Options options = instance(each.address, each.prefix_length);
        options.virtual_mac = each.mac;
        const auto platform = host();
        Port opened = port(*platform, options);
        require_done(opened.addresses->acquire());
        Wire wire("vb");

        const bool is_mute = ask(wire, each.address).empty();

        CHECK(opened.warnings.empty() == !is_mute);
      });
    }
  }

  TEST_CASE("an interface without neighbours is mute and warned of") {
    in_own_network([] {
      add_wire();
      run("ip address add 10.77.0.1/24 dev va; ip link set va arp off");
      const auto platform = host();
      Port opened = port(*platform, instance("10.77.0.100", 24));
      require_done(opened.addresses->acquire());
      Wire wire("vb");

      CHECK(ask(wire, "10.77.0.100").empty());
      CHECK(opened.warnings.size() == 1);
    });
  }
}

}  // namespace
}  // namespace tandem::vrrp
