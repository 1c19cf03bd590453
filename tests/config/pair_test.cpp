#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "base/text.hpp"
#include "config/reader.hpp"
#include "tests/config/reading.hpp"

using namespace tandem;
using namespace tandem::config;
using namespace std::chrono_literals;

namespace {

/// Reads what comes after the ten good lines; there must be no error.
Config config_of(std::string_view added, const Environment& environment = no_environment) {
  const Reading reading = read(concat(kGood, added), environment);
  CAPTURE(join(lines(reading), "\n"));
  REQUIRE(reading.config.has_value());
  return *reading.config;
}

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

}  // namespace

TEST_SUITE("config/pair") {
  TEST_CASE("a virtual router with three keys has the defaults of the contract") {
    const Config config = config_of("[[vrrp]]\ninterface = \"eth0\"\nid = 51\naddresses = [\"192.0.2.100\"]\n");

    REQUIRE(config.vrrp.size() == 1);
    vrrp::Options expected;
    expected.name = "eth0-51";
    expected.interface = "eth0";
    expected.id = vrrp::VirtualRouterId{51};
    expected.addresses = {{ip("192.0.2.100"), 32}};
    CHECK((config.vrrp[0] == expected));
    CHECK((expected.priority == vrrp::Priority{100}));
    CHECK((expected.interval == 100ms));
    CHECK((config.vrrp_secrets == std::vector<VrrpSecretFiles>(1)));
    CHECK_FALSE(config.peer);
    CHECK((config.node.hang_timeout == 500ms));
  }

  TEST_CASE("every key of a virtual router is read") {
    const Config config = config_of(R"([[vrrp]]
name = "front"
interface = "eth0.100"
id = 255
priority = 150
interval = "40.95s"
version = 3
preempt = true
preempt_delay = "5m"
startup_delay = "10s"
addresses = ["192.0.2.100/24", "192.0.2.101/25"]
peers = ["192.0.2.3", "192.0.2.4"]
checksum = "rfc9568"
use_vmac = true
track_interfaces = ["eth1", { name = "eth2", penalty = 50 }, { name = "eth3" }]
track_clusters = [{ name = "orders", penalty = 60 }]
witness = ["192.0.2.1", "192.0.2.1:443", "arp:192.0.2.1", "2001:db8::1", "[2001:db8::1]:80", "arp:fe80::1"]
notify = "/usr/local/bin/on-change"
auth = { key_file = "/k/1", key_id = 7, mode = "permissive", replay = "time", window = "9s" }
)");

    const vrrp::Options& front = config.vrrp.at(0);
    CHECK(front.name == "front");
    CHECK(front.interface == "eth0.100");
    CHECK((front.id == vrrp::VirtualRouterId{255}));
    CHECK((front.priority == vrrp::Priority{150}));
    CHECK((front.interval == 40'950ms));
    CHECK((front.version == vrrp::Version::v3));
    CHECK((front.preempt == vrrp::Preempt::yes));
    CHECK((front.preempt_delay == 5min));
    CHECK((front.startup_delay == 10s));
    CHECK((front.addresses == std::vector<vrrp::VirtualAddress>{{ip("192.0.2.100"), 24}, {ip("192.0.2.101"), 25}}));
    CHECK((front.peers == std::vector<IpAddress>{ip("192.0.2.3"), ip("192.0.2.4")}));
    CHECK((front.checksum == vrrp::ChecksumOption::rfc9568));
    CHECK((front.virtual_mac == vrrp::VirtualMac::yes));
    CHECK((front.track_interfaces == std::vector<vrrp::TrackedInterface>{{"eth1", 0}, {"eth2", 50}, {"eth3", 0}}));
    CHECK((front.track_clusters == std::vector<vrrp::TrackedCluster>{{"orders", 60}}));
    using Kind = vrrp::WitnessKind;
    CHECK((front.witnesses == std::vector<vrrp::Witness>{{Kind::icmp, ip("192.0.2.1"), 0},
                                                         {Kind::tcp, ip("192.0.2.1"), 443},
                                                         {Kind::arp, ip("192.0.2.1"), 0},
                                                         {Kind::icmp, ip("2001:db8::1"), 0},
                                                         {Kind::tcp, ip("2001:db8::1"), 80},
                                                         {Kind::arp, ip("fe80::1"), 0}}));
    CHECK(front.notify == "/usr/local/bin/on-change");
    REQUIRE(front.authentication.has_value());
    CHECK((front.authentication->keys == std::vector<vrrp::AuthenticationKey>{{7, {}}}));
    CHECK(front.authentication->key_id == 7);
    CHECK((front.authentication->mode == vrrp::AuthenticationMode::permissive));
    CHECK((front.authentication->window == 9s));
    CHECK((config.vrrp_secrets.at(0).key_files == std::vector<std::string>{"/k/1"}));
  }

  TEST_CASE("version 2 has an interval of its own and takes a password from a variable") {
    const Config config = config_of(
        "[[vrrp]]\ninterface = \"eth0\"\nid = 51\naddresses = [\"192.0.2.100/24\"]\nversion = 2\n"
        "password = \"${SECRET}\"\n",
        [](const std::string&) { return std::optional<std::string>("1111"); });

    CHECK((config.vrrp[0].version == vrrp::Version::v2));
    CHECK((config.vrrp[0].interval == 1s));
    vrrp::Password password{};
    password[0] = password[1] = password[2] = password[3] = std::byte{'1'};
    CHECK((config.vrrp[0].password == password));
  }

  TEST_CASE("IPv4 and IPv6 of one id are two instances with two names") {
    const Config config = config_of(
        "[[vrrp]]\ninterface = \"eth0\"\nid = 51\naddresses = [\"192.0.2.100/24\"]\nsync_group = \"front\"\n"
        "[[vrrp]]\ninterface = \"eth0\"\nid = 51\naddresses = [\"fe80::100/64\", \"2001:db8::100/64\"]\n"
        "sync_group = \"front\"\n[listener.six]\nbind = [\"[2001:db8::100]:80\"]\npool = \"orders\"\n");

    CHECK(config.vrrp[0].name == "eth0-51");
    CHECK(config.vrrp[1].name == "eth0-51-v6");
    CHECK(config.vrrp[1].sync_group == "front");
    CHECK((config.vrrp[1].addresses.at(0) == vrrp::VirtualAddress{ip("fe80::100"), 64}));
  }

  TEST_CASE("several keys are read in their order and the first one signs") {
    const std::string_view start = "[[vrrp]]\ninterface = \"eth0\"\nid = 51\naddresses = [\"192.0.2.100/24\"]\n";
    const std::string_view keys = "keys = [{ id = 3, key_file = \"/k/3\" }, { id = 4, key_file = \"/k/4\" }]";

    const Config first = config_of(concat(start, "auth = { ", keys, " }\n"));
    const Config second = config_of(concat(start, "auth = { ", keys, ", key_id = 4 }\n"));

    CHECK(first.vrrp[0].authentication->key_id == 3);
    CHECK(second.vrrp[0].authentication->key_id == 4);
    CHECK(second.vrrp[0].authentication->keys.size() == 2);
    CHECK((second.vrrp_secrets[0].key_files == std::vector<std::string>{"/k/3", "/k/4"}));
  }

  TEST_CASE("the link is read with a key or with certificates") {
    const Config key =
        config_of("[peer]\naddress = \"192.0.2.3:8405\"\nlisten = \"192.0.2.2:8405\"\nkey_file = \"/k\"\n");
    const Config certificates = config_of(
        "[peer]\naddress = \"[2001:db8::3]:8405\"\nlisten = \"[2001:db8::2]:8405\"\ncert_file = \"/c\"\n"
        "cert_key_file = \"/k\"\nca_file = \"/a\"\n");

    REQUIRE(key.peer.has_value());
    CHECK(to_string(key.peer->address) == "192.0.2.3:8405");
    CHECK(to_string(key.peer->listen) == "192.0.2.2:8405");
    CHECK(key.peer->key_file == "/k");
    CHECK_FALSE(key.peer->certificates);
    REQUIRE(certificates.peer.has_value());
    CHECK((certificates.peer->certificates == peer::Certificates{"/c", "/k", "/a"}));
  }
}
