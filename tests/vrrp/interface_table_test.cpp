#include "vrrp/interface_table.hpp"

#include <doctest/doctest.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/vrrp/support.hpp"
#include "vrrp/interface_settings.hpp"
#include "vrrp/kernel_addresses.hpp"

namespace tandem::vrrp {
namespace {

constexpr std::uint32_t kUp = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;

bool tell(InterfaceTable& table, const net::NetlinkRequest& bytes) {
  Bytes rest = bytes;
  const auto message = net::next_message(rest);
  REQUIRE(message.has_value());
  return table.apply(*message);
}

template <class Value>
net::NetlinkRequest with(net::NetlinkRequest bytes, std::size_t at, Value value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
  return bytes;
}

net::NetlinkRequest link(std::uint32_t index, const std::string& name, std::uint32_t flags) {
  const auto bytes = with(net::add_macvlan_request({name, 0, {2, 0, 0, 0, 0, 1}}), 20, index);
  return with(bytes, 24, flags);
}
net::NetlinkRequest link_gone(std::uint32_t index) { return net::remove_link_request(index); }

net::NetlinkRequest address(std::string_view text, std::uint8_t prefix_length, const net::AddressMark& mark = {}) {
  return net::add_address_request({1, ip(text), prefix_length}, mark);
}
net::NetlinkRequest address_gone(std::string_view text, std::uint8_t prefix_length) {
  return net::remove_address_request({1, ip(text), prefix_length});
}

InterfaceState state(const InterfaceTable& table) {
  const auto* found = table.find(std::string_view("eth0"));
  return found == nullptr ? InterfaceState{} : state_of(*found);
}

TEST_SUITE("vrrp/interface_table") {
  TEST_CASE("a link is up when it has a carrier too") {
    InterfaceTable table;

    CHECK(tell(table, link(1, "eth0", IFF_UP)));
    CHECK_FALSE(state(table).up);
    CHECK(tell(table, link(1, "eth0", kUp)));
    CHECK(state(table).up);
    CHECK_FALSE(tell(table, link(1, "eth0", kUp)));
    CHECK(state(table).mac == MacAddress{2, 0, 0, 0, 0, 1});
  }

  TEST_CASE("a link that is gone takes its addresses with it and one that is renamed keeps them") {
    InterfaceTable table;
    tell(table, link(1, "old", kUp));
    tell(table, address("10.0.0.1", 24));

    CHECK(tell(table, link(1, "eth0", kUp)));
    CHECK(state(table).source_v4 == ip("10.0.0.1"));
    CHECK(tell(table, link_gone(1)));
    CHECK(state(table) == InterfaceState{});
    CHECK_FALSE(tell(table, link_gone(1)));
    tell(table, link(1, "eth0", kUp));
    CHECK_FALSE(state(table).source_v4.has_value());
  }

  TEST_CASE("addresses with our mark are no sources") {
    InterfaceTable table;
    tell(table, link(1, "eth0", kUp));

    CHECK(tell(table, address("10.0.0.100", 24, {kMarkProtocol, 0})));
    CHECK(tell(table, address("10.0.0.101", 24, {0, kMarkMetric})));
    CHECK(tell(table, address("10.0.0.102", 24, {4, 100})));
    CHECK(tell(table, address("10.0.0.1", 24)));

    CHECK(state(table).source_v4 == ip("10.0.0.102"));
    CHECK(tell(table, address_gone("10.0.0.102", 24)));
    CHECK(state(table).source_v4 == ip("10.0.0.1"));
    CHECK_FALSE(tell(table, address_gone("10.0.0.1", 32)));
  }

  TEST_CASE("a link-local address is a source once it is no longer tentative") {
    InterfaceTable table;
    tell(table, link(1, "eth0", kUp));
    constexpr std::size_t flags_at = 16 + 8 + 20 + 20 + 20 + 4;

    CHECK(tell(table, address("fd77::1", 64)));
    CHECK(tell(table, with(address("fe80::1", 64), flags_at, std::uint32_t{IFA_F_TENTATIVE})));
    CHECK_FALSE(state(table).source_v6.has_value());
    CHECK(tell(table, with(address("fe80::1", 64), flags_at, std::uint32_t{IFA_F_PERMANENT})));
    CHECK(state(table).source_v6 == ip("fe80::1"));
    CHECK(state(table).source_v6_global == ip("fd77::1"));
    CHECK(tell(table, with(address("fe80::1", 64), flags_at, std::uint32_t{IFA_F_DADFAILED})));
    CHECK_FALSE(state(table).source_v6.has_value());
  }

  TEST_CASE("what a dump does not tell is gone") {
    InterfaceTable table;
    tell(table, link(1, "eth0", kUp));
    tell(table, link(2, "eth1", kUp));
    tell(table, address("10.0.0.1", 24));
    tell(table, address("10.0.0.2", 24));

    table.begin_dump();
    tell(table, link(1, "eth0", kUp));
    tell(table, address("10.0.0.2", 24));

    CHECK(table.end_dump());
    CHECK(table.find(2) == nullptr);
    CHECK(state(table).source_v4 == ip("10.0.0.2"));
    table.begin_dump();
    tell(table, link(1, "eth0", kUp));
    tell(table, address("10.0.0.2", 24));
    CHECK_FALSE(table.end_dump());
  }

  TEST_CASE("one address with two prefix lengths is ours if either is") {
    InterfaceTable table;
    tell(table, link(1, "eth0", kUp));
    tell(table, address("10.0.0.100", 32));
    CHECK(table.find(1, ip("10.0.0.100"))->owner == InterfaceTable::Owner::others);

    tell(table, address("10.0.0.100", 24, {kMarkProtocol, 0}));

    CHECK(table.find(1, ip("10.0.0.100"))->owner == InterfaceTable::Owner::ours);
    CHECK(table.find(2, ip("10.0.0.100")) == nullptr);
  }

  TEST_CASE("the mark depends on the kernel") {
    CHECK(choose_mark("6.1.0-18-amd64", VirtualMac::no).metric == 0);
    CHECK(choose_mark("5.18.0", VirtualMac::no).metric == 0);
    CHECK(choose_mark("5.15.0-91-generic", VirtualMac::no).metric == kMarkMetric);
    CHECK(choose_mark("6.1.0", VirtualMac::yes).metric == kMarkMetric);
    CHECK(choose_mark("", VirtualMac::no).metric == kMarkMetric);
  }
}

Options instance(std::string_view address, std::uint8_t prefix_length, VirtualMac mac) {
  Options options;
  options.interface = "eth0";
  options.addresses = {{ip(address), prefix_length}};
  options.virtual_mac = mac;
  return options;
}

TEST_SUITE("vrrp/interface_settings") {
  TEST_CASE("settings are warned of only where they make the address mute") {
    struct Case {
      std::string setting;
      int value;
      std::string address;
      std::uint8_t prefix_length;
      VirtualMac mac;
      std::string begins;  // of the warning; empty: none
    };
    InterfaceTable::Link eth0;
    eth0.name = "eth0";
    eth0.addresses.push_back({{1, ip("10.0.0.1"), 24}, InterfaceTable::Owner::others, 0, true});
    const std::vector<Case> cases{
        {"net.ipv4.conf.all.arp_ignore", 1, "10.0.0.100", 32, VirtualMac::no, ""},
        {"net.ipv4.conf.all.arp_ignore", 2, "10.0.0.100", 32, VirtualMac::no, ""},
        {"net.ipv4.conf.all.arp_ignore", 2, "10.9.0.100", 32, VirtualMac::no, "net.ipv4.conf.all.arp_ignore = 2: "},
        {"net.ipv4.conf.eth0.arp_ignore", 2, "10.9.0.100", 32, VirtualMac::no, "net.ipv4.conf.eth0.arp_ignore = 2: "},
        {"net.ipv4.conf.all.arp_ignore", 2, "10.0.0.100", 32, VirtualMac::yes, "net.ipv4.conf.all.arp_ignore = 2: "},
        {"net.ipv4.conf.all.arp_ignore", 2, "10.0.0.100", 24, VirtualMac::yes, ""},
        {"net.ipv4.conf.eth0.arp_ignore", 8, "10.0.0.100", 24, VirtualMac::no, "net.ipv4.conf.eth0.arp_ignore = 8: "},
        {"net.ipv4.conf.eth0.arp_ignore", 8, "10.0.0.100", 24, VirtualMac::yes, ""},
        {"net.ipv4.conf.all.arp_filter", 1, "10.0.0.100", 24, VirtualMac::no, ""},
        {"net.ipv4.conf.all.arp_filter", 1, "10.0.0.100", 24, VirtualMac::yes, "net.ipv4.conf.all.arp_filter = 1: "},
        {"net.ipv4.conf.all.rp_filter", 1, "10.0.0.100", 24, VirtualMac::yes, ""},
        {"net.ipv6.conf.eth0.disable_ipv6", 1, "fe80::100", 64, VirtualMac::no,
         "net.ipv6.conf.eth0.disable_ipv6 = 1: "},
        {"net.ipv6.conf.eth0.disable_ipv6", 1, "10.0.0.100", 24, VirtualMac::no, ""},
    };
    for (const Case& each : cases) {
      CAPTURE(each.setting);
      CAPTURE(each.value);
      CAPTURE(each.address);
      const ReadSetting read = [&](const InterfaceSetting& setting) {
        return std::optional<int>(to_string(setting) == each.setting ? each.value : 0);
      };

      const auto warnings = mute_warnings(instance(each.address, each.prefix_length, each.mac), eth0, read);

      CHECK(warnings.size() == (each.begins.empty() ? 0 : 1));
      if (!warnings.empty()) {
        CHECK(warnings.front().substr(0, each.begins.size()) == each.begins);
      }
    }
  }

  TEST_CASE("an interface that answers no neighbour is named") {
    InterfaceTable::Link eth0;
    eth0.name = "eth0";
    eth0.flags = IFF_NOARP;
    const ReadSetting read = [](const InterfaceSetting&) { return std::optional<int>(); };

    const auto warnings = mute_warnings(instance("10.0.0.100", 24, VirtualMac::no), eth0, read);

    REQUIRE(warnings.size() == 1);
    CHECK(warnings.front() == "interface \"eth0\" answers no neighbour (NOARP); run: ip link set eth0 arp on");
  }
}

}  // namespace
}  // namespace tandem::vrrp
