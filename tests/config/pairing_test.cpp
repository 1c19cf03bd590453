#include "config/pairing.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "config/report.hpp"
#include "tests/config/reading.hpp"

using namespace tandem;
using namespace tandem::config;

namespace {

using Lines = std::vector<std::string>;

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

const std::string& one() {
  static const std::string text = concat(kGood, R"([listener.front]
bind = ["192.0.2.100:80"]
pool = "orders"
[node]
name = "lb-a"
[[vrrp]]
name = "front"
interface = "eth0"
id = 51
priority = 150
interval = "1s"
addresses = ["192.0.2.100/24"]
auth = { key_file = "/k", key_id = 1 }
[peer]
address = "192.0.2.3:8405"
listen = "192.0.2.2:8405"
key_file = "/k"
)");
  return text;
}

const std::string& other() {
  static const std::string text =
      replaced(replaced(replaced(replaced(one(), "lb-a", "lb-b"), "priority = 150", "priority = 100"),
                        "address = \"192.0.2.3:8405\"", "address = \"192.0.2.2:8405\""),
               "listen = \"192.0.2.2:8405\"", "listen = \"192.0.2.3:8405\"");
  return text;
}

/// What is said when this is changed in the other node's file.
Lines said(std::string_view from, std::string_view to) {
  const Reading here = read(one(), no_environment);
  const Reading there = read(replaced(other(), from, to), no_environment);
  CAPTURE(join(lines(there), "\n"));
  REQUIRE(here.config.has_value());
  REQUIRE(there.config.has_value());
  return mismatches(*here.config, *there.config);
}

}  // namespace

TEST_SUITE("config/pairing") {
  TEST_CASE("two files that go together have nothing to be said of") {
    CHECK(said("lb-b", "lb-c").empty());
    CHECK(said("interface = \"eth0\"", "interface = \"ens3\"").empty());
    CHECK(said("listen = \"192.0.2.3:8405\"", "listen = \"0.0.0.0:8405\"").empty());
  }

  TEST_CASE("equal priorities are told with and without preempt") {
    CHECK(
        said("priority = 100", "priority = 150\npreempt = true") ==
        Lines{"vrrp \"front\": both nodes have priority 150, and among equals nobody preempts; give one a higher one"});
    CHECK(said("priority = 100", "priority = 150") ==
          Lines{"vrrp \"front\": both nodes have priority 150, so the higher address decides between them; give one a "
                "higher one"});
  }

  TEST_CASE("what keeps the nodes from hearing each other is told") {
    CHECK(said("id = 51", "id = 52") ==
          Lines{"vrrp \"front\": id 51 here and 52 there: they do not hear each other, and both become active"});
    CHECK(said("interval = \"1s\"", "interval = \"1s\"\nversion = 2") ==
          Lines{"vrrp \"front\": the versions differ: they drop each other's adverts, and both become active"});
    CHECK(said("interval = \"1s\"", "interval = \"2s\"") ==
          Lines{"vrrp \"front\": interval 1s here and 2s there: a failover takes as long as the active one's says"});
    CHECK(said("interval = \"1s\"", "interval = \"1s\"\npeers = [\"192.0.2.2\"]") ==
          Lines{"vrrp \"front\": one node has peers and the other one multicast: they do not hear each other, and both "
                "become active"});
    CHECK(said("auth = { key_file = \"/k\", key_id = 1 }\n", "") ==
          Lines{"vrrp \"front\": one node has auth and the other one does not"});
    CHECK(said("key_id = 1", "key_id = 2") ==
          Lines{"vrrp \"front\": one node signs with a key_id that the other one does not have"});
  }

  TEST_CASE("addresses and names and service that differ are told") {
    CHECK(said("addresses = [\"192.0.2.100/24\"]", "addresses = [\"192.0.2.100/24\", \"192.0.2.101/24\"]") ==
          Lines{"vrrp \"front\": the addresses differ, so each node takes other ones"});
    CHECK(said("lb-b", "lb-a") == Lines{"both nodes are called \"lb-a\""});
    CHECK(said("10.0.1.10:5432", "10.0.1.11:5432") ==
          Lines{"the nodes do not serve the same; from here to there, backends changed: orders/pg-0 (new address)"});
    CHECK(said("[[vrrp]]",
               "[[vrrp]]\ninterface = \"eth1\"\nid = 9\npriority = 9\naddresses = [\"10.0.0.1/24\"]\n[[vrrp]]") ==
          Lines{"vrrp \"eth1-9\" is in the other file only"});
  }

  TEST_CASE("links that do not meet are told") {
    CHECK(said("address = \"192.0.2.2:8405\"", "address = \"192.0.2.9:8405\"") ==
          Lines{"[peer]: the address of one node is not where the other one listens"});
    CHECK(said("key_file = \"/k\"\n", "cert_file = \"/c\"\ncert_key_file = \"/k\"\nca_file = \"/a\"\n") ==
          Lines{"[peer]: one node has a key and the other one certificates"});
  }

  TEST_CASE("mismatches are warnings of the file and do not make it bad") {
    Reading reading = read(one(), no_environment);
    compare_with_peer(reading, read(replaced(other(), "lb-b", "lb-a"), no_environment), "b.toml");

    CHECK(lines(reading) == Lines{"t.toml: warning: with b.toml: both nodes are called \"lb-a\""});
    CHECK(reading.config.has_value());
    CHECK(check_json(reading, "t.toml").find("with b.toml: both nodes are called") != std::string::npos);

    Reading beside_bad = read(one(), no_environment);
    compare_with_peer(beside_bad, read("", no_environment), "b.toml");
    CHECK(lines(beside_bad) == Lines{"t.toml: warning: with b.toml: it has errors of its own; check it first"});
  }

  TEST_CASE("preempt without a priority is remarked in one file") {
    const Reading reading = read(concat(kGood,
                                        "[listener.any]\nbind = [\"0.0.0.0:80\"]\npool = \"orders\"\n[[vrrp]]\n"
                                        "interface = \"e\"\nid = 1\naddresses = [\"192.0.2.100\"]\npreempt = true\n"),
                                 no_environment);

    CHECK(lines(reading) == Lines{"t.toml:18:11: warning: vrrp on e id 1: preempt without a priority: 100 is the other "
                                  "node's default too, and "
                                  "among equals nobody preempts"});
  }
}
