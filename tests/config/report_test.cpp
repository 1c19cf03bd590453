#include "config/report.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "base/text.hpp"
#include "tests/config/reading.hpp"

using namespace tandem;
using namespace tandem::config;

namespace {

constexpr const char* kTwo = R"([cluster.orders]
backends = [
  { name = "a", address = "10.0.0.1:5432" },
  { name = "b", address = "10.0.0.2:5432" },
]
[cluster.orders.probe]
type = "patroni"
[cluster.web]
backends = [{ name = "a", address = "10.0.0.3:80" }]
[pool.write]
cluster = "orders"
role = "primary"
[pool.read]
cluster = "orders"
role = "replica"
fallback = "write"
[pool.web]
cluster = "web"
when_none_healthy = "try_all"
[listener.read]
bind = ["127.0.0.1:5001"]
pool = "read"
[listener.web]
bind = ["127.0.0.1:80", "[::1]:80"]
pool = "web"
)";

}  // namespace

TEST_SUITE("config/report") {
  TEST_CASE("a good check says what is there and how long a dead backend goes unnoticed") {
    CHECK(check_text(read(kTwo, no_environment), "t.toml", Colour::no) ==
          "t.toml: ok: 2 clusters, 3 pools, 2 listeners\n"
          "  cluster orders: 2 backends, probe patroni: a dead backend is noticed within 1.65s when it refuses, 4.1s "
          "when it is silent; a new primary within 275ms and the time of its answer\n"
          "  cluster web: 1 backend, not probed, so every backend counts as reachable\n"
          "  listener read: 127.0.0.1:5001 to pool read; with no backend: pool write takes over; with no backend "
          "there: new clients wait up to 30s, then refused\n"
          "  listener web: 127.0.0.1:80, [::1]:80 to pool web; with no backend: all are tried, healthy or not, then "
          "refused\n");
  }

  TEST_CASE("a good check says of a pair how long a failover takes with and without a link") {
    const std::string pair = concat(kTwo, R"([listener.front]
bind = ["192.0.2.100:80"]
pool = "web"
[[vrrp]]
name = "front"
interface = "eth0"
id = 51
priority = 150
addresses = ["192.0.2.100/24", "192.0.2.101/24"]
peers = ["192.0.2.3"]
preempt = true
)");
    const std::string link = "[peer]\naddress = \"192.0.2.3:8405\"\nlisten = \"192.0.2.2:8405\"\nkey_file = \"/k\"\n";

    const std::string without = check_text(read(pair, no_environment), "t.toml", Colour::no);
    const std::string with = check_text(read(pair + link, no_environment), "t.toml", Colour::no);

    CHECK(without.starts_with("t.toml: ok: 2 clusters, 3 pools, 3 listeners, 1 virtual router\n"));
    CHECK(without.ends_with(
        "  vrrp front: 192.0.2.100/24, 192.0.2.101/24 on eth0, id 51, version 3, every 100ms to 192.0.2.3; priority "
        "150, "
        "preempts: the other node needs another priority\n"
        "    comes here after 41.4ms when the other node stops, which serves until then, or its process crashes; after "
        "341ms when it hangs; after 341ms at most when its machine or link is dead; with [peer] the first would be at "
        "once\n"));
    CHECK(
        with.ends_with("    comes here at once when the other node stops or its process crashes, after 341ms when it "
                       "hangs, after 341ms "
                       "at most when its machine or link is dead\n"));
  }

  TEST_CASE("the JSON of a pair holds the times in seconds") {
    const std::string pair = concat(kGood, R"([node]
hang_timeout = "200ms"
[[vrrp]]
interface = "eth0"
id = 51
version = 2
sync_group = "g"
addresses = ["192.0.2.100/24"]
)");
    const boost::json::value json = boost::json::parse(check_json(read(pair, no_environment), "t.toml"));

    CHECK_FALSE(json.at("peer").as_bool());
    const boost::json::value& router = json.at("vrrp").at(0);
    CHECK(router.at("name").as_string() == "eth0-51");
    CHECK(router.at("addresses").at(0).as_string() == "192.0.2.100/24");
    CHECK(router.at("interval_seconds").to_number<double>() == doctest::Approx(1));
    const boost::json::value& without = router.at("takeover").at("without_peer");
    CHECK(without.at("stop_seconds").to_number<double>() == doctest::Approx(0.609375));
    CHECK(without.at("crash_seconds").to_number<double>() == doctest::Approx(0.609375));
    CHECK(without.at("hang_seconds").to_number<double>() == doctest::Approx(0.809375));
    CHECK(without.at("dead_seconds").to_number<double>() == doctest::Approx(3.609375));
    const boost::json::value& with = router.at("takeover").at("with_peer");
    CHECK(with.at("stop_seconds").to_number<double>() == 0);
    CHECK(with.at("hang_seconds").to_number<double>() == doctest::Approx(0.2));
    CHECK(with.at("dead_seconds").to_number<double>() == doctest::Approx(3.609375));
  }

  TEST_CASE("a bad check ends with the number of errors") {
    CHECK(check_text(read(concat(kGood, "x = 1\ny = 2\n[pool.b]\ncluster = \"orders\"\n"), no_environment), "t.toml",
                     Colour::no) ==
          "t.toml:11:1: error: unknown key \"x\" in [listener.orders]\n"
          "t.toml:12:1: error: unknown key \"y\" in [listener.orders]\n"
          "t.toml:13:7: warning: pool \"b\": no listener feeds it\n"
          "2 errors, 1 warning\n");
    CHECK(check_text(read("", no_environment), "t.toml", Colour::no) ==
          "t.toml: error: there is no [listener.NAME], and without one there is nothing to do\n"
          "1 error\n");
  }

  TEST_CASE("colour marks the place and the severity") {
    CHECK(check_text(read("", no_environment), "t.toml", Colour::yes) ==
          "\x1b[1mt.toml: \x1b[31merror:\x1b[0m there is no [listener.NAME], and without one there is nothing to do\n"
          "1 error\n");
  }

  TEST_CASE("the JSON of a good check holds the times in seconds") {
    const boost::json::value json = boost::json::parse(check_json(read(kTwo, no_environment), "t.toml"));

    CHECK(json.at("ok").as_bool());
    CHECK(json.at("problems").as_array().empty());
    const boost::json::value& detection = json.at("clusters").at(0).at("detection");
    CHECK(detection.at("refused_seconds").as_double() == doctest::Approx(1.65));
    CHECK(detection.at("silent_seconds").as_double() == doctest::Approx(4.1));
    CHECK(detection.at("new_primary_seconds").as_double() == doctest::Approx(0.275));
    CHECK(json.at("clusters").at(1).at("detection").is_null());
    CHECK(json.at("listeners").at(0).at("pool").as_string() == "read");
    CHECK(json.at("listeners").at(1).at("bind").at(1).as_string() == "[::1]:80");
  }

  TEST_CASE("the JSON of a bad check holds every problem with its place") {
    CHECK(check_json(read(concat(kGood, "x = 1\n"), no_environment), "t.toml") == R"({
  "file": "t.toml",
  "ok": false,
  "errors": 1,
  "warnings": 0,
  "problems": [
    {
      "file": "t.toml",
      "line": 11,
      "column": 1,
      "severity": "error",
      "text": "unknown key \"x\" in [listener.orders]"
    }
  ],
  "clusters": [],
  "listeners": [],
  "vrrp": [],
  "peer": false
}
)");
  }
}
