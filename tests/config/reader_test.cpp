#include "config/reader.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

#include "base/text.hpp"
#include "tests/config/reading.hpp"

using namespace tandem;
using namespace tandem::config;
using namespace std::chrono_literals;

TEST_SUITE("config/reader") {
  TEST_CASE("a file with every key gives the values it says") {
    const Reading reading = read(R"(
[node]
name = "lb-a"
workers = 2
user = "tandem"
drain_timeout = "1m"
shutdown_timeout = "10s"
[log]
format = "json"
level = "debug"
session_sample = 100
[admin]
listen = "192.0.2.2:8404"
socket = "/run/t.sock"
token_file = "/etc/tandem/token"
[cluster.orders]
backends = [
  { name = "pg-0", address = "10.0.1.10:5432", zone = "a" },
  { name = "pg-1", address = "[2001:db8::1]:5432", weight = 50, tier = 1, max_connections = 7 },
]
[cluster.orders.probe]
type = "patroni"
port = 8009
interval = "2s"
fast_interval = "100ms"
timeout = "1500ms"
rise = 1
fall = 5
tls = { verify = false, server_name = "db.example", cert_file = "/c.pem", key_file = "/k.pem" }
[pool.write]
cluster = "orders"
role = "primary"
hold = "1m"
hold_max = 5
on_conflict = "refuse"
sever_on_role_loss = false
sever_on_down = false
[pool.read]
cluster = "orders"
role = "replica"
max_lag = "1MB"
balance = "maglev"
maglev_prefix_v4 = 24
maglev_prefix_v6 = 64
fallback = "write"
return_to_replicas = "2m"
max_connections = 1000
max_connections_per_backend = 500
queue_max = 10
queue_timeout = "1s"
connect_timeout = "2s"
connect_attempts = 2
connecting_max = 7
[listener.read]
bind = ["192.0.2.100:5001", "[2001:db8::100]:5001"]
pool = "read"
allow = ["10.0.0.0/8", "::/0"]
deny = ["10.1.0.0/16"]
max_connections = 20000
idle_timeout = "1h"
half_close_timeout = "1s"
header_timeout = "2s"
accept_proxy_protocol = { from = ["192.0.2.0/24"] }
send_proxy_protocol = 2
tcp_nodelay = false
keepalive_idle = "30s"
keepalive_interval = "5s"
keepalive_count = 4
backlog = 128
)",
                                 no_environment);

    CHECK(lines(reading).empty());
    REQUIRE(reading.config);
    const Config& config = *reading.config;
    CHECK(config.node == NodeOptions{"lb-a", 2, "tandem", 1min, 10s});
    CHECK(config.log == LogOptions{LogFormat::json, LogLevel::debug, 100});
    CHECK(config.admin == admin::AdminOptions{*Endpoint::parse("192.0.2.2:8404"), "/run/t.sock", "/etc/tandem/token"});
    REQUIRE(config.clusters.size() == 1);
    CHECK(config.clusters[0].options ==
          lb::ClusterOptions{"orders",
                             {{"pg-0", *Endpoint::parse("10.0.1.10:5432"), "a", 100, 0, 0},
                              {"pg-1", *Endpoint::parse("[2001:db8::1]:5432"), "", 50, 1, 7}},
                             true});
    healthcheck::PatroniProbeOptions patroni;
    patroni.tls = healthcheck::TlsOptions{false, "db.example", "", "/c.pem", "/k.pem"};
    CHECK(config.clusters[0].probe == healthcheck::ProbeOptions{patroni, std::uint16_t{8009}, 2s, 100ms, 1500ms, 1, 5});
    REQUIRE(config.pools.size() == 2);
    lb::PoolOptions write;
    write.name = "write";
    write.cluster = "orders";
    write.role = lb::PoolRole::primary;
    write.hold = 1min;
    write.hold_max = 5;
    write.on_conflict = lb::OnConflict::refuse;
    write.sever_on_role_loss = false;
    CHECK(config.pools[0] == write);
    lb::PoolOptions reads;
    reads.name = "read";
    reads.cluster = "orders";
    reads.role = lb::PoolRole::replica;
    reads.sever_on_role_loss = false;
    reads.max_lag_bytes = 1'000'000;
    reads.balance = lb::Balance::maglev;
    reads.maglev_prefix_v4 = 24;
    reads.maglev_prefix_v6 = 64;
    reads.fallback = "write";
    reads.return_to_replicas = 2min;
    reads.max_connections = 1000;
    reads.max_connections_per_backend = 500;
    reads.queue_max = 10;
    reads.queue_timeout = 1s;
    reads.connect_timeout = 2s;
    reads.connect_attempts = 2;
    reads.connecting_max = 7;
    CHECK(config.pools[1] == reads);
    REQUIRE(config.listeners.size() == 1);
    CHECK(config.listeners[0] ==
          lb::ListenerOptions{"read",
                              {*Endpoint::parse("192.0.2.100:5001"), *Endpoint::parse("[2001:db8::100]:5001")},
                              "read",
                              {*Prefix::parse("10.0.0.0/8"), *Prefix::parse("::/0")},
                              {*Prefix::parse("10.1.0.0/16")},
                              20'000,
                              1h,
                              1s,
                              2s,
                              true,
                              {*Prefix::parse("192.0.2.0/24")},
                              lb::SendProxyProtocol::v2,
                              false,
                              30s,
                              5s,
                              4,
                              128});
  }

  TEST_CASE("a short file gives the defaults") {
    const Reading reading = read(R"(
[cluster.web]
backends = [{ name = "a", address = "127.0.0.1:8081" }]
[pool.web]
cluster = "web"
[listener.web]
bind = ["127.0.0.1:8080"]
pool = "web"
)",
                                 no_environment);

    CHECK(lines(reading).empty());
    REQUIRE(reading.config);
    CHECK(reading.config->node == NodeOptions{});
    CHECK(reading.config->log == LogOptions{});
    CHECK(reading.config->admin ==
          admin::AdminOptions{*Endpoint::parse("127.0.0.1:8404"), "/run/tandem/admin.sock", ""});
    CHECK_FALSE(reading.config->clusters[0].options.probed);
    CHECK_FALSE(reading.config->clusters[0].probe);
    CHECK(reading.config->pools[0].hold == 0s);
    CHECK_FALSE(reading.config->pools[0].sever_on_down);
    CHECK_FALSE(reading.config->pools[0].sever_on_role_loss);
  }

  TEST_CASE("a write pool holds its clients and severs the sessions of a dead primary by default") {
    const Reading reading = read(kGood, no_environment);

    CHECK(lines(reading).empty());
    REQUIRE(reading.config);
    CHECK(reading.config->pools[0].hold == 30s);
    CHECK(reading.config->pools[0].sever_on_down);
    CHECK(reading.config->pools[0].sever_on_role_loss);
  }

  TEST_CASE("an empty listen turns the TCP side of the admin API off") {
    const Reading reading = read(concat(kGood, "[admin]\nlisten = \"\"\n"), no_environment);

    REQUIRE(reading.config);
    CHECK_FALSE(reading.config->admin.listen);
  }

  TEST_CASE("tables keep the order of the file") {
    const Reading reading = read(R"(
listener.z = { bind = ["127.0.0.1:1"], pool = "z" }
listener.a = { bind = ["127.0.0.1:2"], pool = "a" }
[pool]
z.cluster = "z"
a.cluster = "a"
[[cluster.z.backends]]
name = "2"
address = "127.0.0.1:3"
[[cluster.z.backends]]
name = "1"
address = "127.0.0.1:4"
[cluster.a]
backends = [{ name = "1", address = "127.0.0.1:5" }]
)",
                                 no_environment);

    CHECK(lines(reading).empty());
    REQUIRE(reading.config);
    CHECK(reading.config->listeners[0].name == "z");
    CHECK(reading.config->listeners[1].name == "a");
    CHECK(reading.config->pools[0].name == "z");
    CHECK(reading.config->clusters[0].options.name == "z");
    CHECK(reading.config->clusters[0].options.backends[0].name == "2");
    CHECK(reading.config->clusters[1].options.name == "a");
  }

  TEST_CASE("probes of each type are read") {
    const Reading reading = read(R"x(
[cluster.tcp]
backends = [{ name = "a", address = "127.0.0.1:1" }]
probe = { type = "tcp", send = "PING\r\n", expect = "PONG" }
[cluster.http]
backends = [{ name = "a", address = "127.0.0.1:1" }]
[cluster.http.probe]
type = "http"
method = "HEAD"
path = "/health?deep=1"
host = "shop.example"
headers = { Accept = "text/plain" }
expect_status = ["200-299", 401, "403"]
expect_body = "fine"
expect_json = { "/checks/db" = "o\"k", "/n" = 3, "/f" = 1.5, "/b" = true }
tls = true
[cluster.exec]
backends = [{ name = "a", address = "127.0.0.1:1" }]
probe = { type = "exec", command = ["/bin/check", "-q"], environment = { MODE = "fast" } }
[pool.tcp]
cluster = "tcp"
when_none_healthy = "try_all"
[pool.http]
cluster = "http"
[pool.exec]
cluster = "exec"
[listener.tcp]
bind = ["127.0.0.1:11"]
pool = "tcp"
[listener.http]
bind = ["127.0.0.1:12"]
pool = "http"
[listener.exec]
bind = ["127.0.0.1:13"]
pool = "exec"
)x",
                                 no_environment);

    CHECK(lines(reading).empty());
    REQUIRE(reading.config);
    const auto& clusters = reading.config->clusters;
    CHECK(clusters[0].probe->kind ==
          decltype(clusters[0].probe->kind){healthcheck::TcpProbeOptions{"PING\r\n", "PONG"}});
    healthcheck::HttpProbeOptions http;
    http.method = "HEAD";
    http.path = "/health?deep=1";
    http.host = "shop.example";
    http.headers = {{"Accept", "text/plain"}};
    http.expect_status = {{200, 299}, {401, 401}, {403, 403}};
    http.expect_body = "fine";
    http.expect_json = {{"/checks/db", "\"o\\\"k\""}, {"/n", "3"}, {"/f", "1.5"}, {"/b", "true"}};
    http.tls = healthcheck::TlsOptions{};
    CHECK(clusters[1].probe->kind == decltype(clusters[1].probe->kind){http});
    healthcheck::ExecProbeOptions exec;
    exec.command = {"/bin/check", "-q"};
    exec.environment = {{"MODE", "fast"}};
    CHECK(clusters[2].probe->kind == decltype(clusters[2].probe->kind){exec});
    CHECK(reading.config->pools[0].when_none_healthy == lb::WhenNoneHealthy::try_all);
  }

  TEST_CASE("environment variables are put into strings") {
    const Environment environment = [](const std::string& name) -> std::optional<std::string> {
      return name == "HOST"   ? std::optional<std::string>("10.0.0.9")
             : name == "HOLD" ? std::optional<std::string>("5s")
                              : std::nullopt;
    };
    const Reading reading = read(R"(
[node]
name = "$${x}-${HOST}$"
[cluster.web]
backends = [{ name = "a", address = "${HOST}:8081" }]
[pool.web]
cluster = "web"
hold = "${HOLD}"
[listener.web]
bind = ["127.0.0.1:8080"]
pool = "web"
)",
                                 environment);

    CHECK(lines(reading).empty());
    REQUIRE(reading.config);
    CHECK(reading.config->node.name == "${x}-10.0.0.9$");
    CHECK(to_string(reading.config->clusters[0].options.backends[0].address) == "10.0.0.9:8081");
    CHECK(reading.config->pools[0].hold == 5s);
  }

  TEST_CASE("an error does not print what a variable holds") {
    const Environment secret = [](const std::string&) { return std::optional<std::string>("hunter2"); };
    const Reading reading = read(R"(
[admin]
listen = "${P}"
[log]
level = "${P}"
[cluster.web]
backends = [{ name = "${P} x", address = "${P}" }, { name = "${P} x", address = "${P}:1" }]
probe = { type = "http", interval = "${P}", path = "${P}", expect_status = "${P}" }
[pool.web]
cluster = "${P}"
max_lag = "${P}"
fallback = "${P}"
[listener.web]
bind = ["${P}", "${P}:8080"]
allow = ["${P}"]
pool = "${P}"
)",
                                 secret);

    CHECK(lines(reading).size() > 12);
    CHECK_FALSE(reading.config);
    for (const std::string& line : lines(reading)) {
      CAPTURE(line);
      CHECK(line.find("hunter2") == std::string::npos);
    }
  }

  TEST_CASE("a file that cannot be read is a problem") {
    const Reading reading = read_file("/nonexistent/tandem.toml");

    CHECK(lines(reading) ==
          std::vector<std::string>{"t.toml: error: cannot read /nonexistent/tandem.toml: No such file or directory"});
  }

  TEST_CASE("a directory in place of a file is a problem") {
    const Reading reading = read_file("/");

    CHECK(lines(reading) == std::vector<std::string>{"t.toml: error: cannot read /: Is a directory"});
  }
}
