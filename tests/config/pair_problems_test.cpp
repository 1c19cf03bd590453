#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "config/reader.hpp"
#include "tests/config/reading.hpp"

using namespace tandem;
using namespace tandem::config;

namespace {

/// The ten good lines, line 11 that serves all addresses, and three good lines of a virtual router from line 15.
constexpr std::string_view kRouter =
    "[listener.any]\nbind = [\"0.0.0.0:80\", \"[::]:80\"]\npool = \"orders\"\n[[vrrp]]\nname = \"a\"\n";
constexpr std::string_view kBase = "interface = \"eth0\"\nid = 51\naddresses = [\"192.0.2.100/24\"]\n";

struct Case {
  std::string_view added;  // from line 19
  std::vector<std::string> said;
};

void check_all(std::string_view base, const std::vector<Case>& cases, const Environment& environment = no_environment) {
  for (const Case& one : cases) {
    CAPTURE(one.added);
    const Reading reading = read(concat(kGood, kRouter, base, one.added), environment);
    CHECK(join(lines(reading), "\n") == join(one.said, "\n"));
    const bool good = join(one.said, "\n").find("error:") == std::string::npos;
    CHECK(reading.config.has_value() == good);
  }
}

}  // namespace

TEST_SUITE("config/pair/problems") {
  TEST_CASE("numbers and words of a virtual router are checked") {
    check_all(kBase,
              {
                  {"priority = 0\n", {"t.toml:19:12: error: vrrp \"a\": priority 0 is below the minimum 1"}},
                  {"priority = 256\n", {"t.toml:19:12: error: vrrp \"a\": priority 256 exceeds the limit 255"}},
                  {"version = 4\n", {"t.toml:19:11: error: vrrp \"a\": version 4 exceeds the limit 3"}},
                  {"intervall = \"1s\"\n",
                   {"t.toml:19:1: error: unknown key \"intervall\" in [[vrrp]]; did you mean \"interval\"?"}},
                  {"checksum = \"rfc9586\"\n",
                   {"t.toml:19:12: error: vrrp \"a\": checksum \"rfc9586\" is unknown; did you mean \"rfc9568\"?"}},
                  {"notify = \"bin/on-change\"\n",
                   {"t.toml:19:10: error: vrrp \"a\": notify \"bin/on-change\" is not an absolute path"}},
                  {"sync_group = \"a b\"\n",
                   {"t.toml:19:14: error: vrrp \"a\": sync_group has other characters than letters, digits, \"-\", "
                    "\"_\" and \".\"",
                    "t.toml:19:14: warning: vrrp \"a\": nobody else is in sync_group \"a b\", so it ties nothing "
                    "together"}},
                  {"preempt_delay = \"1s\"\n",
                   {"t.toml:19:17: warning: vrrp \"a\": preempt_delay has no effect without preempt = true"}},
              });
    check_all(
        "", {{"id = 51\naddresses = [\"192.0.2.100/24\"]\ninterface = \"\"\n",
              {"t.toml:18:13: error: vrrp \"a\": interface \"\" is not an interface's name"}},
             {"id = 51\naddresses = [\"192.0.2.100/24\"]\ninterface = \"a-name-too-long!\"\n",
              {"t.toml:18:13: error: vrrp \"a\": interface \"a-name-too-long!\" is not an interface's name"}},
             {"id = 0\naddresses = [\"192.0.2.100/24\"]\ninterface = \"e\"\n",
              {"t.toml:16:6: error: vrrp \"a\": id 0 is below the minimum 1"}},
             {"",
              {"t.toml:14:1: error: vrrp \"a\": interface is missing", "t.toml:14:1: error: vrrp \"a\": id is missing",
               "t.toml:14:1: error: vrrp \"a\": addresses is missing"}}});
  }

  TEST_CASE("intervals follow the version") {
    check_all(
        kBase,
        {
            {"interval = \"5ms\"\n", {"t.toml:19:12: error: vrrp \"a\": interval 5ms is below the minimum 10ms"}},
            {"interval = \"41s\"\n",
             {"t.toml:19:12: error: vrrp \"a\": interval 41s exceeds the limit 40.95s of version 3"}},
            {"interval = \"105ms\"\n",
             {"t.toml:19:12: error: vrrp \"a\": interval 105ms is not in steps of 10ms, which version 3 counts "
              "in"}},
            {"interval = \"20ms\"\n",
             {"t.toml:19:12: warning: vrrp \"a\": interval 20ms: a pause of the machine of 72.2ms moves the "
              "addresses; virtual machines that share cores pause that long"}},
            {"interval = \"100ms\"\nversion = 2\n",
             {"t.toml:19:12: error: vrrp \"a\": interval 100ms is not in whole seconds, which version 2 counts in; "
              "version 3 can"}},
            {"interval = \"255s\"\nversion = 2\n", {}},
        });
  }

  TEST_CASE("addresses that cannot be shared are refused with the reason") {
    const std::string_view base = "interface = \"eth0\"\nid = 51\n";
    const auto said = [](std::string_view text) {
      return std::vector<std::string>{concat("t.toml:18:14: error: vrrp \"a\": addresses: ", text)};
    };
    check_all(
        base,
        {
            {"addresses = [\"192.0.2.300/24\"]\n", said("\"192.0.2.300\" is not an IP address")},
            {"addresses = [\"224.0.0.18\"]\n", said("\"224.0.0.18\" is a multicast address")},
            {"addresses = [\"127.0.0.1/8\"]\n",
             said("\"127.0.0.1/8\" is a loopback address, which stays within one machine")},
            {"addresses = [\"0.0.0.0/0\"]\n", said("\"0.0.0.0/0\" is no address of anybody")},
            {"addresses = [\"192.0.2.100/33\"]\n", said("\"192.0.2.100/33\": the length of the network is 1 to 32")},
            {"addresses = [\"192.0.2.0/24\"]\n", said("\"192.0.2.0/24\" is the network itself, not an address in it")},
            {"addresses = [\"192.0.2.255/24\"]\n", said("\"192.0.2.255/24\" is the network's broadcast address")},
            {"addresses = [\"2001:db8::100/64\"]\n",
             said("\"2001:db8::100/64\" is first, and the first IPv6 address must be link-local (RFC 9568 "
                  "section 5.2.9); put one before it that is free on the link, like \"fe80::100/64\"")},
            {"addresses = []\n", {"t.toml:18:13: error: vrrp \"a\": addresses is empty"}},
            {"addresses = \"192.0.2.100/24\"\n",
             {"t.toml:18:13: error: vrrp \"a\": addresses is a string, wanted an array: "
              "[\"192.0.2.100/24\"]"}},
            {"addresses = [\"192.0.2.0/31\", \"192.0.2.255/32\"]\n", {}},
        });
    check_all(base,
              {
                  {"addresses = [\"192.0.2.100/24\", \"fe80::1/64\", \"192.0.2.100\"]\n",
                   {"t.toml:18:32: error: vrrp \"a\": addresses: \"fe80::1/64\" is IPv6 and the first is IPv4; an "
                    "instance has one family: write a second [[vrrp]], with the same sync_group",
                    "t.toml:18:46: error: vrrp \"a\": addresses: \"192.0.2.100\" is there twice"}},
                  {"addresses = [\"fe80::1/64\"]\nversion = 2\n",
                   {"t.toml:19:11: error: vrrp \"a\": version 2 is for IPv4; IPv6 has version 3"}},
                  {"addresses = [\"fe80::1/64\"]\nchecksum = \"auto\"\n",
                   {"t.toml:19:12: warning: vrrp \"a\": checksum has no effect: only version 3 over IPv4 has two "
                    "forms of it"}},
              });
  }

  TEST_CASE("peers and witnesses that cannot help are refused") {
    check_all(
        kBase,
        {
            {"peers = [\"fe80::3\"]\n",
             {"t.toml:19:10: error: vrrp \"a\": peers: \"fe80::3\" is IPv6 and the instance's addresses are not"}},
            {"peers = [\"192.0.2.100\"]\n",
             {"t.toml:19:10: error: vrrp \"a\": peers: \"192.0.2.100\" is a virtual address; a peer is named by an "
              "address that always is its own"}},
            {"peers = [\"192.0.2.3\", \"192.0.2.3\", \"255.255.255.255\"]\n",
             {"t.toml:19:23: error: vrrp \"a\": peers: \"192.0.2.3\" is there twice",
              "t.toml:19:36: error: vrrp \"a\": peers: \"255.255.255.255\" is the broadcast address"}},
            {"witness = [\"192.0.2.1:0\"]\n",
             {"t.toml:19:12: error: vrrp \"a\": witness: \"192.0.2.1:0\": the port is 1 to 65535"}},
            {"witness = [\"router\"]\n",
             {"t.toml:19:12: error: vrrp \"a\": witness: \"router\" is not a witness; write \"192.0.2.1\", "
              "\"192.0.2.1:443\" or \"arp:192.0.2.1\""}},
            {"witness = [\"192.0.2.100\", \"arp:224.0.0.1\"]\n",
             {"t.toml:19:12: error: vrrp \"a\": witness: \"192.0.2.100\" is a virtual address, and so the node "
              "itself",
              "t.toml:19:27: error: vrrp \"a\": witness: \"arp:224.0.0.1\" is a multicast address"}},
            {"peers = [\"192.0.2.3\"]\nwitness = [\"192.0.2.3\"]\n",
             {"t.toml:20:11: warning: vrrp \"a\": witness names nobody but peers: when the other node dies, this "
              "one takes itself for isolated and lets go; name a router or a switch"}},
        });
  }

  TEST_CASE("what is tracked must make sense") {
    check_all(kBase,
              {
                  {"track_interfaces = [\"eth0\", \"eth1\", \"eth1\", 3]\n",
                   {"t.toml:19:21: warning: vrrp \"a\": track_interfaces names the instance's own interface, which "
                    "it always needs",
                    "t.toml:19:37: error: vrrp \"a\": track_interfaces names an interface twice",
                    "t.toml:19:45: error: vrrp \"a\": an element of track_interfaces is an integer, wanted a name "
                    "or { name = \"eth1\", penalty = 50 }"}},
                  {"track_clusters = [{ name = \"order\", penalty = 5 }]\n",
                   {"t.toml:19:28: error: vrrp \"a\": track_clusters: cluster \"order\" does not exist; did you "
                    "mean \"orders\"?"}},
                  {"track_clusters = [{ name = \"orders\" }]\n",
                   {"t.toml:19:19: error: vrrp \"a\": track_clusters: penalty is missing"}},
                  {"track_clusters = [\"orders\"]\n",
                   {"t.toml:19:19: error: vrrp \"a\": an element of track_clusters is a string, wanted a table "
                    "like { name = \"orders\", penalty = 50 }"}},
                  {"priority = 255\ntrack_clusters = [{ name = \"orders\", penalty = 5 }]\n",
                   {"t.toml:20:18: warning: vrrp \"a\": track_clusters has no effect on priority 255, the "
                    "owner's"}},
              });
  }

  TEST_CASE("secrets are checked without being shown") {
    check_all(kBase,
              {
                  {"version = 2\npassword = \"hunter22\"\n",
                   {"t.toml:20:12: warning: vrrp \"a\": password is in the file for everybody who may read it; use "
                    "password_file or \"${NAME}\""}},
                  {"version = 2\npassword = \"${LONG}\"\n",
                   {"t.toml:20:12: error: vrrp \"a\": password has 9 bytes, and the advert has room for 8; keepalived "
                    "drops the "
                    "rest of its own"}},
                  {"password_file = \"/p\"\n",
                   {"t.toml:19:17: error: vrrp \"a\": password_file is for version 2; version 3 has auth"}},
                  {"version = 2\npassword_file = \"/p\"\nauth = { key_file = \"/k\" }\n",
                   {"t.toml:20:17: error: vrrp \"a\": password_file and auth exclude each other"}},
                  {"auth = {}\n", {"t.toml:19:8: error: vrrp \"a\": auth: key_file is missing, or keys"}},
                  {"auth = { key_file = \"/k\", keys = [{ id = 1, key_file = \"/k\" }] }\n",
                   {"t.toml:19:34: error: vrrp \"a\": auth: key_file and keys exclude each other; list all in keys"}},
                  {"auth = { keys = [{ id = 1, key_file = \"/k\" }, { id = 1, key_file = \"/k\" }], key_id = 2 }\n",
                   {"t.toml:19:54: error: vrrp \"a\": auth: keys: two keys have the id 1",
                    "t.toml:19:86: error: vrrp \"a\": auth: key_id 2 is the id of none of keys"}},
                  {"auth = { key_file = \"/k\", mode = \"enforced\" }\n",
                   {"t.toml:19:34: error: vrrp \"a\": auth: mode \"enforced\" is unknown; did you mean \"enforce\"?"}},
                  {"auth = { key_file = \"/k\", replay = \"monotonic\", window = \"1.5s\" }\n",
                   {"t.toml:19:58: error: vrrp \"a\": auth: window 1.5s is not in whole seconds",
                    "t.toml:19:58: warning: vrrp \"a\": auth: window has no effect with replay = \"monotonic\""}},
              },
              [](const std::string&) { return std::optional<std::string>("123456789"); });
  }

  TEST_CASE("an id used twice on an interface is named with both places") {
    check_all(kBase,
              {
                  {"[[vrrp]]\nname = \"b\"\ninterface = \"eth0\"\nid = 51\naddresses = [\"192.0.2.101/24\"]\n",
                   {"t.toml:22:6: error: vrrp \"b\": id 51 on eth0 is vrrp \"a\"'s already, line 17 column 6; an id "
                    "is used once per interface and address family"}},
                  {"[[vrrp]]\nname = \"b\"\ninterface = \"eth1\"\nid = 51\naddresses = [\"192.0.2.101/24\"]\n", {}},
                  {"[[vrrp]]\nname = \"b\"\ninterface = \"eth0\"\nid = 51\naddresses = [\"fe80::1/64\"]\n", {}},
              });
  }

  TEST_CASE("names and addresses belong to one instance") {
    check_all(kBase, {
                         {"[[vrrp]]\nname = \"a\"\ninterface = \"eth1\"\nid = 52\naddresses = [\"192.0.2.100/24\"]\n",
                          {"t.toml:20:8: error: two instances of [[vrrp]] are called \"a\", the other one in line 14",
                           "t.toml:23:14: error: vrrp \"a\": addresses: \"192.0.2.100/24\" is vrrp \"a\"'s already"}},
                         {"[[vrrp]]\ninterface = \"eth0\"\nid = 52\naddresses = [\"fe80::1/64\"]\n"
                          "[[vrrp]]\ninterface = \"eth1\"\nid = 52\naddresses = [\"fe80::1/64\"]\n",
                          {}},
                     });
  }

  TEST_CASE("a sync group has two members that agree") {
    check_all(
        kBase,
        {
            {"sync_group = \"g\"\n[[vrrp]]\nname = \"b\"\ninterface = \"eth1\"\nid = 52\n"
             "addresses = [\"10.0.0.100/24\"]\nsync_group = \"g\"\npriority = 50\npreempt = true\n",
             {"t.toml:26:12: warning: vrrp \"b\": priority differs from that of vrrp \"a\" in sync_group \"g\"; the "
              "group can only be where all of them win",
              "t.toml:27:11: warning: vrrp \"b\": preempt differs from that of vrrp \"a\" in sync_group \"g\"; when "
              "one of them preempts, it takes the others with it"}},
            {"sync_group = \"g\"\n",
             {"t.toml:19:14: warning: vrrp \"a\": nobody else is in sync_group \"g\", so it ties nothing "
              "together"}},
        });
  }

  TEST_CASE("an address that nobody serves and ends that would move are named") {
    const Reading unserved = read(
        concat(kGood, "[[vrrp]]\ninterface = \"eth0\"\nid = 51\naddresses = [\"192.0.2.100/24\"]\n"), no_environment);
    CHECK(join(lines(unserved), "\n") ==
          "t.toml:14:13: warning: vrrp \"eth0-51\": no listener binds any of its addresses");

    check_all(kBase,
              {
                  {"[peer]\naddress = \"192.0.2.3:8405\"\nlisten = \"192.0.2.100:8405\"\nkey_file = \"/k\"\n",
                   {"t.toml:21:10: error: [peer]: listen 192.0.2.100:8405 is an address of vrrp \"a\", which only the "
                    "active node has; write the node's own"}},
                  {"[admin]\nlisten = \"192.0.2.100:8404\"\ntoken_file = \"/t\"\n",
                   {"t.toml:20:10: error: [admin]: listen 192.0.2.100:8404 is an address of vrrp \"a\", which only the "
                    "active node has"}},
              });
  }

  TEST_CASE("the link needs both ends and a proof") {
    check_all(
        kBase,
        {
            {"[peer]\n",
             {"t.toml:19:1: error: [peer]: address is missing", "t.toml:19:1: error: [peer]: listen is missing",
              "t.toml:19:1: error: [peer]: key_file is missing, or cert_file, cert_key_file and ca_file"}},
            {"[peer]\naddress = \"192.0.2.3:8405\"\nlisten = \"192.0.2.3:8405\"\nkey_file = \"/k\"\nca_file = \"/a\"\n",
             {"t.toml:19:1: error: [peer]: cert_file is missing: cert_file, cert_key_file and ca_file go together",
              "t.toml:19:1: error: [peer]: cert_key_file is missing: cert_file, cert_key_file and ca_file go "
              "together",
              "t.toml:20:11: error: [peer]: address and listen are the same, so the node would talk to itself",
              "t.toml:22:12: error: [peer]: key_file and certificates exclude each other"}},
            {"[peer]\naddress = \"0.0.0.0:8405\"\nlisten = \"192.0.2.3:8405\"\nkey_file = \"/k\"\n",
             {"t.toml:20:11: error: [peer]: address is the other node's, and this is nobody's"}},
        });
  }

  TEST_CASE("one pair of brackets is not enough") {
    CHECK(join(lines(read(concat(kGood, "[vrrp]\nid = 51\n"), no_environment)), "\n") ==
          "t.toml:11:1: error: [vrrp] is a table, wanted an array of tables: write [[vrrp]], in two pairs of brackets");
    CHECK(join(lines(read(concat(kGood, "[[peer]]\n"), no_environment)), "\n") ==
          "t.toml:11:1: error: [peer] is an array, wanted one table");
  }
}
