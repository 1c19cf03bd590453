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
