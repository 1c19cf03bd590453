#include "config/problems.hpp"

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

using Lines = std::vector<std::string>;

/// What comes after the ten good lines, and what is said of it.
struct Bad {
  std::string_view added;
  Lines said;
};

void check_all(const std::vector<Bad>& cases) {
  for (const Bad& bad : cases) {
    CAPTURE(bad.added);
    const Reading reading = read(concat(kGood, bad.added), no_environment);
    CHECK(join(lines(reading), "\n") == join(bad.said, "\n"));
    CHECK_FALSE(reading.config);
  }
}

constexpr std::string_view kUnused = "t.toml:11:7: warning: pool \"b\": no listener feeds it";
constexpr std::string_view kLonely = "t.toml:11:10: warning: cluster \"e\" is in no pool";

Lines unused_and(std::string line) { return {std::string(kUnused), std::move(line)}; }
Lines lonely_and(std::string line) { return {std::string(kLonely), std::move(line)}; }

}  // namespace

TEST_SUITE("config/problems") {
  TEST_CASE("the contract's examples read as it says") {
    const Reading reading = read(R"([cluster.orders]
backends = [{ name = "a", address = "10.0.0.1:80" }]
[cluster.orders.probe]
type = "patroni"
intervall = "1s"
[cluster.web]
backends = [{ name = "a", address = "10.0.0.2:80" }]
[pool.orders-read]
cluster = "order"
[pool.web]
cluster = "web"
[listener.web]
bind = ["127.0.0.1:80"]
pool = "web"
)",
                                 no_environment);

    CHECK(lines(reading) ==
          Lines{"t.toml:1:10: warning: cluster \"orders\" is in no pool",
                "t.toml:5:1: error: unknown key \"intervall\" in [cluster.orders.probe]; did you mean \"interval\"?",
                "t.toml:8:7: warning: pool \"orders-read\": no listener feeds it",
                "t.toml:9:11: error: pool \"orders-read\": cluster \"order\" does not exist; there are: orders, web"});
  }

  TEST_CASE("a syntax error has its place") {
    check_all({
        {"x = \n",
         {"t.toml:11:5: error: not valid TOML: error while parsing key-value pair: expected value, saw '\\n'"}},
        {"[pool.orders]\n",
         {"t.toml:11:1: error: not valid TOML: error while parsing table header: cannot redefine existing table "
          "'pool.orders'"}},
        {"x = \"\xff\"\n", {"t.toml:11:5: error: not valid TOML: encountered invalid utf-8 sequence"}},
    });
  }

  TEST_CASE("unknown tables and keys are named with what was meant") {
    check_all({
        {"[zzz]\n",
         {"t.toml:11:2: error: unknown table [zzz]; there are: node, log, admin, vrrp, peer, cluster, pool, "
          "listener"}},
        {"[listner.b]\n", {"t.toml:11:2: error: unknown table [listner]; did you mean [listener]?"}},
        {"timeout = 1\n", {"t.toml:11:1: error: unknown key \"timeout\" in [listener.orders]"}},
        {"[node]\nworkres = 2\n", {"t.toml:12:1: error: unknown key \"workres\" in [node]; did you mean \"workers\"?"}},
        {"[node]\n\"\\u001b[31m\" = 1\n",
         {"t.toml:12:1: error: unknown key \"\\x1b[31m\" in [node]; there are: name, workers, user, drain_timeout, "
          "shutdown_timeout, hang_timeout"}},
    });
  }

  TEST_CASE("what a later version has is refused by name") {
    check_all({
        {"[pool.orders.breaker]\n",
         {"t.toml:11:14: error: pool \"orders\": \"breaker\" is not in this version: probes alone take a backend out"}},
        {"[cluster.e]\nbackends = [{ name = \"a\", address = \"10.0.0.1:80\" }]\n"
         "probe = { type = \"postgres\", user = \"x\" }\n",
         {std::string(kLonely),
          "t.toml:13:18: error: cluster \"e\": probe: type \"postgres\" is not in this version; there are: tcp, http, "
          "patroni, exec",
          "t.toml:13:30: error: cluster \"e\": probe: \"user\" is for probes of databases, which are not in this "
          "version"}},
    });
  }

  TEST_CASE("wrong types say what was wanted") {
    check_all({
        {"[node]\nworkers = \"2\"\n", {"t.toml:12:11: error: [node]: workers is a string, wanted an integer"}},
        {"[node]\nname = 1.5\n", {"t.toml:12:8: error: [node]: name is a number with a fraction, wanted a string"}},
        {"[node]\nname = 2026-01-01\n", {"t.toml:12:8: error: [node]: name is a date or time, wanted a string"}},
        {"[[node]]\nname = \"x\"\n", {"t.toml:11:1: error: [node] is an array, wanted one table"}},
        {"[[pool]]\nname = \"x\"\n",
         {"t.toml:11:1: error: not valid TOML: error while parsing table header: cannot redefine existing table "
          "'pool' as array-of-tables"}},
        {"[pool]\nx = 3\n", {"t.toml:12:1: error: \"x\" in [pool] is an integer, wanted a table [pool.NAME]"}},
        {"[listener.b]\nbind = \"0.0.0.0:80\"\npool = \"orders\"\n",
         {"t.toml:12:8: error: listener \"b\": bind is a string, wanted an array: [\"0.0.0.0:80\"]"}},
        {"[listener.b]\nbind = [80]\npool = \"orders\"\n",
         {"t.toml:12:9: error: listener \"b\": an element of bind is an integer, wanted a string like "
          "\"192.0.2.1:80\""}},
        {"[cluster.e]\nbackends = [\"10.0.0.1:80\"]\n",
         lonely_and("t.toml:12:13: error: cluster \"e\": an element of backends is a string, wanted a table like { "
                    "name = \"a\", address = \"192.0.2.1:80\" }")},
        {"[cluster.e]\nbackends = [{ name = \"a\", address = \"10.0.0.1:80\" }]\nprobe = \"tcp\"\n",
         lonely_and("t.toml:13:9: error: cluster \"e\": probe is a string, wanted a table")},
    });
  }

  TEST_CASE("durations and sizes want a unit") {
    check_all({
        {"[node]\nshutdown_timeout = 30\n",
         {"t.toml:12:20: error: [node]: shutdown_timeout is an integer, wanted a duration like \"500ms\" or \"2s\"; "
          "write \"30s\" for seconds or \"30ms\""}},
        {"[node]\nshutdown_timeout = \"30\"\n",
         {"t.toml:12:20: error: [node]: shutdown_timeout: \"30\" has no unit; write \"30s\" for seconds or "
          "\"30ms\""}},
        {"[pool.b]\ncluster = \"orders\"\nrole = \"replica\"\nmax_lag = 10\n",
         unused_and("t.toml:14:11: error: pool \"b\": max_lag is an integer, wanted a size like \"1MB\" or a duration "
                    "like \"10s\"; write \"10B\" for bytes or \"10s\" for seconds")},
        {"[pool.b]\ncluster = \"orders\"\nrole = \"replica\"\nmax_lag = \"lots\"\n",
         unused_and("t.toml:14:11: error: pool \"b\": max_lag \"lots\" is neither a size like \"1MB\" nor a duration "
                    "like \"10s\"")},
    });
  }

  TEST_CASE("values out of range name the limit") {
    check_all({
        {"[node]\nworkers = 2000\n", {"t.toml:12:11: error: [node]: workers 2000 exceeds the limit 1024"}},
        {"[node]\nworkers = -1\n", {"t.toml:12:11: error: [node]: workers -1 is below the minimum 0"}},
        {"[pool.b]\ncluster = \"orders\"\nrole = \"primary\"\nhold = \"900s\"\n",
         unused_and("t.toml:14:8: error: pool \"b\": hold 900s exceeds the limit 300s")},
        {"[pool.b]\ncluster = \"orders\"\nhold = \"1h\"\n",
         unused_and("t.toml:13:8: error: pool \"b\": hold 1h exceeds the limit 5m")},
        {"[cluster.e]\nbackends = [{ name = \"a\", address = \"10.0.0.1:80\" }]\n"
         "probe = { type = \"tcp\", interval = \"1ms\", rise = 0, fall = 101 }\n",
         {std::string(kLonely), "t.toml:13:36: error: cluster \"e\": probe: interval 1ms is below the minimum 10ms",
          "t.toml:13:50: error: cluster \"e\": probe: rise 0 is below the minimum 1",
          "t.toml:13:60: error: cluster \"e\": probe: fall 101 exceeds the limit 100"}},
        {"[listener.b]\nbind = [\"127.0.0.1:1\"]\npool = \"orders\"\nkeepalive_idle = \"1500ms\"\n",
         {"t.toml:14:18: error: listener \"b\": keepalive_idle 1.5s is not in whole seconds, as the kernel counts "
          "it"}},
    });
  }

  TEST_CASE("unknown words list what there is") {
    check_all({
        {"[log]\nformat = \"jsno\"\n",
         {"t.toml:12:10: error: [log]: format \"jsno\" is unknown; did you mean \"json\"?"}},
        {"[pool.b]\ncluster = \"orders\"\nbalance = \"leastconn\"\n",
         unused_and("t.toml:13:11: error: pool \"b\": balance \"leastconn\" is unknown; there are: least_connections, "
                    "round_robin, power_of_two, maglev, first")},
    });
  }

  TEST_CASE("addresses are taken apart for people") {
    check_all({
        {"[admin]\nlisten = \"localhost:8404\"\n",
         {"t.toml:12:10: error: [admin]: listen: \"localhost:8404\": \"localhost\" is a name, and discovery by DNS is "
          "not in this version; write an IP address"}},
        {"[admin]\nlisten = \"*:8404\"\n",
         {"t.toml:12:10: error: [admin]: listen: \"*:8404\" has no address; write \"0.0.0.0:8404\" or \"[::]:8404\" "
          "for all of this machine's"}},
        {"[admin]\nlisten = \"127.0.0.1\"\n",
         {"t.toml:12:10: error: [admin]: listen: \"127.0.0.1\" has no port; write ADDRESS:PORT, for IPv6 "
          "[ADDRESS]:PORT"}},
        {"[admin]\nlisten = \"127.0.0.1:0\"\n",
         {"t.toml:12:10: error: [admin]: listen: \"127.0.0.1:0\": the port is 1 to 65535"}},
        {"[admin]\nlisten = \"0.0.0.0:8404\"\n",
         {"t.toml:12:10: error: [admin]: listen is not a loopback address, so a token_file is required"}},
        {"[cluster.e]\nbackends = [{ name = \"a\", address = \"db.example\" }]\n",
         lonely_and("t.toml:12:37: error: cluster \"e\": backend \"a\": address: \"db.example\": \"db.example\" is a "
                    "name, and discovery by DNS is not in this version; write an IP address and a port")},
        {"[listener.b]\nbind = [\"127.0.0.1:1\"]\npool = \"orders\"\nallow = [\"10.0.0.1/8\", \"all\", 3]\n",
         {"t.toml:14:10: error: listener \"b\": allow: \"10.0.0.1/8\" has bits beyond its length; did you mean "
          "\"10.0.0.0/8\"?",
          "t.toml:14:24: error: listener \"b\": allow: \"all\" is not a network; write it like \"10.0.0.0/8\" or "
          "\"2001:db8::/32\"",
          "t.toml:14:31: error: listener \"b\": an element of allow is an integer, wanted a string like "
          "\"10.0.0.0/8\""}},
    });
  }

  TEST_CASE("what is missing is named at its table") {
    check_all({
        {"[listener.b]\npool = \"orders\"\n", {"t.toml:11:11: error: listener \"b\": bind is missing"}},
        {"[pool.b]\n", {"t.toml:11:7: error: pool \"b\": cluster is missing", std::string(kUnused)}},
        {"[cluster.e]\n", {"t.toml:11:10: error: cluster \"e\": backends is missing", std::string(kLonely)}},
        {"[cluster.e]\nbackends = [{ address = \"10.0.0.1:80\" }]\n",
         lonely_and("t.toml:12:13: error: cluster \"e\": backend 1: name is missing")},
        {"[cluster.e]\nbackends = [{ name = \"a\", address = \"10.0.0.1:80\" }]\nprobe = {}\n",
         lonely_and("t.toml:13:9: error: cluster \"e\": probe: type is missing")},
    });
    CHECK(lines(read("", no_environment)) ==
          Lines{"t.toml: error: there is no [listener.NAME], and without one there is nothing to do"});
    CHECK(lines(read("[listener]\n", no_environment)) ==
          Lines{"t.toml:1:1: error: there is no [listener.NAME], and without one there is nothing to do"});
    CHECK(lines(read("listener = 3\n", no_environment)) ==
          Lines{"t.toml:1:12: error: [listener] is an integer, wanted tables [listener.NAME], each with a name of "
                "yours"});
  }

  TEST_CASE("names are checked") {
    check_all({
        {"[pool.\"a b\"]\ncluster = \"orders\"\n",
         {"t.toml:11:7: error: the name of [pool.\"a b\"] has other characters than letters, digits, \"-\", \"_\" and "
          "\".\"",
          "t.toml:11:7: warning: pool \"a b\": no listener feeds it"}},
        {"[cluster.e]\nbackends = [{ name = \"..\", address = \"10.0.0.1:80\" }]\n",
         lonely_and("t.toml:12:22: error: cluster \"e\": backend \"..\": the name does not begin with a letter or a "
                    "digit")},
        {"[cluster.e]\nbackends = [{ name = \"a\", address = \"10.0.0.1:80\" }, { name = \"a\", address = "
         "\"10.0.0.2:80\" }]\n",
         lonely_and("t.toml:12:63: error: cluster \"e\": two backends are called \"a\"")},
    });
  }

  TEST_CASE("references must lead somewhere and not round in a circle") {
    check_all({
        {"[listener.b]\nbind = [\"127.0.0.1:1\"]\npool = \"order\"\n",
         {"t.toml:13:8: error: listener \"b\": pool \"order\" does not exist; there are: orders"}},
        {"[pool.b]\ncluster = \"orders\"\nfallback = \"x\"\n",
         unused_and("t.toml:13:12: error: pool \"b\": fallback: pool \"x\" does not exist; there are: orders, b")},
        {"[pool.b]\ncluster = \"orders\"\nfallback = \"b\"\n",
         unused_and("t.toml:13:12: error: pool \"b\" falls back to itself")},
        {"[pool.b]\ncluster = \"orders\"\nfallback = \"c\"\n[pool.c]\ncluster = \"orders\"\nfallback = \"d\"\n"
         "[pool.d]\ncluster = \"orders\"\nfallback = \"c\"\n",
         {std::string(kUnused), "t.toml:14:7: warning: pool \"c\": no listener feeds it",
          "t.toml:16:12: error: pool \"c\": fallback goes round in a circle: c -> d -> c",
          "t.toml:17:7: warning: pool \"d\": no listener feeds it"}},
    });
  }

  TEST_CASE("a role needs a probe that tells it") {
    check_all({
        {"[cluster.e]\nbackends = [{ name = \"a\", address = \"10.0.0.1:80\" }]\nprobe = { type = \"tcp\" }\n"
         "[pool.b]\ncluster = \"e\"\nrole = \"replica\"\n",
         {"t.toml:14:7: warning: pool \"b\": no listener feeds it",
          "t.toml:16:8: error: pool \"b\": role = \"replica\" needs a probe that tells roles, and cluster \"e\" has a "
          "probe of type tcp; there is: patroni"}},
        {"[cluster.e]\nbackends = [{ name = \"a\", address = \"10.0.0.1:80\" }]\n"
         "[pool.b]\ncluster = \"e\"\nrole = \"primary\"\n",
         {"t.toml:13:7: warning: pool \"b\": no listener feeds it",
          "t.toml:15:8: error: pool \"b\": role = \"primary\" needs a probe that tells roles, and cluster \"e\" has no "
          "probe; there is: patroni"}},
        {"[pool.b]\ncluster = \"orders\"\nmax_lag = \"1MB\"\n",
         unused_and("t.toml:13:11: error: pool \"b\": max_lag is for pools with role = \"replica\"")},
        {"[pool.b]\ncluster = \"orders\"\nrole = \"replica\"\nmax_lag = \"10s\"\n",
         unused_and("t.toml:14:11: error: pool \"b\": max_lag 10s is a duration, and a probe of type patroni tells the "
                    "lag in bytes; write a size like \"16MB\"")},
        {"[pool.b]\ncluster = \"orders\"\nrole = \"replica\"\nwhen_none_healthy = \"try_all\"\n",
         unused_and("t.toml:14:21: error: pool \"b\": when_none_healthy = \"try_all\" is for pools without a role")},
    });
  }

  TEST_CASE("an address is bound once") {
    check_all({
        {"[listener.b]\nbind = [\"127.0.0.1:5000\", \"127.0.0.1:1\", \"127.0.0.1:1\"]\npool = \"orders\"\n",
         {"t.toml:12:9: error: listener \"b\": \"127.0.0.1:5000\" is bound by listener \"orders\" already",
          "t.toml:12:42: error: listener \"b\": \"127.0.0.1:1\" is bound by this listener already"}},
        {"[listener.b]\nbind = [\"127.0.0.1:8404\"]\npool = \"orders\"\n",
         {"t.toml:12:9: error: listener \"b\": \"127.0.0.1:8404\" is bound by [admin] already"}},
        {"[listener.b]\nbind = [\"0.0.0.0:8404\"]\npool = \"orders\"\n",
         {"t.toml:12:9: error: listener \"b\": 0.0.0.0:8404 and 127.0.0.1:8404 are one port, and [admin] does not "
          "share it"}},
    });
  }

  TEST_CASE("what is allowed but surprises is a warning") {
    const auto warns = [](std::string_view added) {
      const Reading reading = read(concat(kGood, added), no_environment);
      CHECK(reading.config);
      return lines(reading);
    };
    CHECK(warns("[listener.b]\nbind = [\"0.0.0.0:5000\"]\npool = \"orders\"\n") ==
          Lines{"t.toml:9:9: warning: listener \"orders\": 0.0.0.0:5000 of listener \"b\" covers 127.0.0.1:5000 too; "
                "connections to it come here"});
    CHECK(warns("[cluster.e]\nbackends = [{ name = \"a\", address = \"10.0.0.1:80\" }, { name = \"b\", address = "
                "\"10.0.0.1:80\" }]\n") ==
          lonely_and("t.toml:12:78: warning: cluster \"e\": backends \"a\" and \"b\" have the same address"));
    CHECK(warns("[cluster.e]\nbackends = [{ name = \"a\", address = \"10.0.0.1:80\" }]\nprobe = { type = \"tcp\", "
                "timeout = \"2s\" }\n") ==
          lonely_and("t.toml:13:35: warning: cluster \"e\": probe: timeout 2s is longer than the interval 1s; a slow "
                     "backend is probed less often"));
  }

  TEST_CASE("keys of another type of probe are refused") {
    check_all({
        {"[cluster.e]\nbackends = [{ name = \"a\", address = \"10.0.0.1:80\" }]\nprobe = { type = \"tcp\", path = "
         "\"/\" }\n",
         lonely_and("t.toml:13:32: error: cluster \"e\": probe: path is for probes of type http; this one is of type "
                    "tcp")},
    });
  }

  TEST_CASE("an http probe is checked in every part") {
    check_all({
        {R"([cluster.e]
backends = [{ name = "a", address = "10.0.0.1:80" }]
[cluster.e.probe]
type = "http"
path = "x"
method = "G T"
host = "a\nb"
headers = { "a b" = "c", d = 3 }
expect_status = [99, "200-", true]
expect_json = { db = "ok", "/a" = [] }
tls = { verify = false, ca_file = "/x", key_file = "y" }
)",
         {std::string(kLonely),
          "t.toml:15:8: error: cluster \"e\": probe: path must begin with \"/\" and hold no spaces",
          "t.toml:16:10: error: cluster \"e\": probe: method is not an HTTP method",
          "t.toml:17:8: error: cluster \"e\": probe: host holds a line break",
          concat("t.toml:18:11: error: cluster \"e\": probe: headers: \"a b\" is no name of a header, or its value "
                 "holds a ",
                 "line break"),
          "t.toml:18:30: error: cluster \"e\": probe: headers: \"d\" is an integer, wanted a string",
          concat("t.toml:19:18: error: cluster \"e\": probe: expect_status 99 is not a status (100 to 599) or a range "
                 "like ",
                 "\"200-299\""),
          concat("t.toml:19:22: error: cluster \"e\": probe: expect_status \"200-\" is not a status (100 to 599) or a "
                 "range ",
                 "like \"200-299\""),
          concat("t.toml:19:30: error: cluster \"e\": probe: expect_status is a boolean, wanted a status like 200, ",
                 "\"200-299\", or an array of them"),
          "t.toml:20:17: error: cluster \"e\": probe: expect_json: \"db\" is not a JSON pointer; write \"/db\"",
          concat("t.toml:20:35: error: cluster \"e\": probe: expect_json: \"/a\" is an array, wanted a string, a "
                 "number or a ",
                 "boolean"),
          "t.toml:21:35: warning: cluster \"e\": probe: tls: ca_file has no effect with verify = false",
          "t.toml:21:52: error: cluster \"e\": probe: tls: cert_file and key_file go together"}},
    });
  }

  TEST_CASE("headers that the probe sends itself are refused") {
    check_all({
        {"[cluster.e]\nbackends = [{ name = \"a\", address = \"10.0.0.1:80\" }]\nprobe = { type = \"http\", headers = "
         "{ HOST = \"x\" } }\n",
         lonely_and("t.toml:13:36: error: cluster \"e\": probe: headers: \"HOST\" is set by the probe itself; for Host "
                    "there is the key \"host\"")},
    });
  }

  TEST_CASE("a backend that is a listener of the file is warned of") {
    const auto said = [](std::string_view bind, std::string_view address) {
      return lines(
          read(concat("[cluster.e]\nbackends = [{ name = \"a\", address = \"", address,
                      "\" }]\n[pool.e]\ncluster = \"e\"\n[listener.e]\nbind = [\"", bind, "\"]\npool = \"e\"\n"),
               no_environment));
    };

    CHECK(said("127.0.0.1:80", "127.0.0.1:80") ==
          Lines{"t.toml:2:37: warning: cluster \"e\": \"127.0.0.1:80\" is listener \"e\" of this file; connections "
                "may go round in a circle"});
    CHECK(said("0.0.0.0:80", "127.0.0.1:80").size() == 1);
    CHECK(said("[::]:80", "[::1]:80").size() == 1);
    CHECK(said("10.0.0.1:80", "10.0.0.1:80").size() == 1);
    CHECK(said("0.0.0.0:80", "10.0.0.1:80").empty());
    CHECK(said("0.0.0.0:80", "127.0.0.1:81").empty());
    CHECK(said("[::]:80", "127.0.0.1:80").empty());
  }

  TEST_CASE("an exec probe needs an absolute path") {
    check_all({
        {"[cluster.e]\nbackends = [{ name = \"a\", address = \"10.0.0.1:80\" }]\nprobe = { type = \"exec\" }\n",
         lonely_and("t.toml:13:9: error: cluster \"e\": probe: command must begin with the absolute path of a program, "
                    "like [\"/usr/bin/check\"]")},
        {"[cluster.e]\nbackends = [{ name = \"a\", address = \"10.0.0.1:80\" }]\nprobe = { type = \"exec\", command = "
         "[\"check\", 1], environment = { \"A=B\" = \"c\" } }\n",
         {std::string(kLonely),
          "t.toml:13:36: error: cluster \"e\": probe: command must begin with the absolute path of a program, like "
          "[\"/usr/bin/check\"]",
          "t.toml:13:46: error: cluster \"e\": probe: an element of command is an integer, wanted a string",
          "t.toml:13:64: error: cluster \"e\": probe: environment: a name must not be empty or hold \"=\", and nothing "
          "a zero byte"}},
    });
  }

  TEST_CASE("variables that are not set are named and cause no second error") {
    check_all({
        {"[node]\nname = \"${X}\"\nshutdown_timeout = \"${Y}\"\n",
         {"t.toml:12:8: error: the environment variable \"X\" is not set",
          "t.toml:13:20: error: the environment variable \"Y\" is not set"}},
        {"[node]\nname = \"${X\"\n",
         {"t.toml:12:8: error: \"${\" without \"}\"; write \"$${\" for the characters themselves"}},
        {"[node]\nname = \"${a b}\"\n",
         {"t.toml:12:8: error: \"${a b}\" does not name an environment variable (letters, digits, \"_\")"}},
    });
  }

  TEST_CASE("the last error of a long file is found as well as the first") {
    const Reading reading = read(concat("x = 1\n", kGood, "y = 2\n"), no_environment);

    CHECK(lines(reading) == Lines{"t.toml:1:1: error: unknown key \"x\" before the first table; there are: node, log, "
                                  "admin, vrrp, peer, cluster, pool, listener",
                                  "t.toml:12:1: error: unknown key \"y\" in [listener.orders]"});
  }
}
