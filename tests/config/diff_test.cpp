#include "config/diff.hpp"

#include <doctest/doctest.h>

#include "base/text.hpp"

using namespace tandem;
using namespace tandem::config;
using namespace std::chrono_literals;

namespace {

lb::BackendOptions backend(std::string name, std::string_view address) {
  lb::BackendOptions options;
  options.name = std::move(name);
  options.address = *Endpoint::parse(address);
  return options;
}

lb::ListenerOptions listener(std::string name, std::string_view bind) {
  lb::ListenerOptions options;
  options.name = std::move(name);
  options.bind = {*Endpoint::parse(bind)};
  options.pool = "web";
  return options;
}

lb::PoolOptions pool(std::string name) {
  lb::PoolOptions options;
  options.name = std::move(name);
  options.cluster = "web";
  return options;
}

Config running() {
  Config config;
  Cluster web;
  web.options.name = "web";
  web.options.backends = {backend("a", "10.0.0.1:80"), backend("b", "10.0.0.2:80"), backend("c", "10.0.0.3:80")};
  web.probe.emplace();
  config.clusters = {web};
  config.pools = {pool("web")};
  config.listeners = {listener("web", "127.0.0.1:80"), listener("old", "127.0.0.1:81")};
  return config;
}

}  // namespace

TEST_SUITE("config/diff") {
  TEST_CASE("equal configurations differ in nothing") {
    const Diff same = diff(running(), running());

    CHECK(same.empty());
    CHECK(described(same).empty());
  }

  TEST_CASE("backends are added and removed and changed by name") {
    Config next = running();
    auto& backends = next.clusters[0].options.backends;
    backends[0].weight = 5;
    backends[1] = backend("d", "10.0.0.4:80");
    const Diff found = diff(running(), next);

    CHECK(found.backends == Changes{{"web/d"}, {"web/b"}, {"web/a"}});
    CHECK(found.clusters == Changes{{}, {}, {"web"}});
    CHECK(found.probes.empty());
  }

  TEST_CASE("a backend with another address is told so") {
    Config next = running();
    next.clusters[0].options.backends[0].address = *Endpoint::parse("10.0.0.9:80");

    CHECK(diff(running(), next).backends == Changes{{}, {}, {"web/a (new address)"}});
  }

  TEST_CASE("a listener keeps its name and tells which addresses come and go") {
    Config next = running();
    next.listeners[0].max_connections = 7;
    next.listeners[1].bind = {*Endpoint::parse("127.0.0.1:82")};

    CHECK(diff(running(), next).listeners == Changes{{}, {}, {"web", "old (+127.0.0.1:82, -127.0.0.1:81)"}});
  }

  TEST_CASE("the order of a listener's addresses does not matter") {
    Config before = running();
    before.listeners[0].bind = {*Endpoint::parse("127.0.0.1:1"), *Endpoint::parse("127.0.0.1:2")};
    Config next = running();
    next.listeners[0].bind = {*Endpoint::parse("127.0.0.1:2"), *Endpoint::parse("127.0.0.1:1")};

    CHECK(diff(before, next).listeners == Changes{{}, {}, {"web"}});
  }

  TEST_CASE("a probe is told apart from its cluster") {
    Config without = running();
    without.clusters[0].probe.reset();
    Config slower = running();
    slower.clusters[0].probe->interval = 5s;

    CHECK(diff(without, running()).probes == Changes{{"web"}, {}, {}});
    CHECK(diff(running(), without).probes == Changes{{}, {"web"}, {}});
    CHECK(diff(running(), slower).probes == Changes{{}, {}, {"web"}});
    CHECK(diff(running(), slower).backends.empty());
  }

  TEST_CASE("clusters that come and go are named without their backends") {
    Config next = running();
    next.clusters[0].options.name = "shop";
    const Diff found = diff(running(), next);

    CHECK(found.clusters == Changes{{"shop"}, {"web"}, {}});
    CHECK(found.backends.empty());
    CHECK(found.probes.empty());
  }

  TEST_CASE("what cannot change at run time needs a restart") {
    Config next = running();
    next.node.workers = 4;
    next.node.user = "tandem";
    next.log.format = LogFormat::json;

    CHECK(join(described(diff(running(), next)), "\n") ==
          "node.workers: 0 -> 4 needs a restart\n"
          "node.user: none -> tandem needs a restart\n"
          "log.format: text -> json needs a restart");
  }

  TEST_CASE("where the node answers changes at once") {
    Config next = running();
    next.admin.listen = *Endpoint::parse("127.0.0.1:9000");
    next.admin.socket = "";
    next.admin.token_file = "/t";

    CHECK(join(described(diff(running(), next)), "\n") ==
          "admin.listen: none -> 127.0.0.1:9000\n"
          "admin.socket: /run/tandem/admin.sock -> none\n"
          "admin.token_file: none -> /t");
  }

  TEST_CASE("the description has a line for every kind of change") {
    Config next = running();
    next.node.drain_timeout = 1min;
    next.log.level = LogLevel::debug;
    next.clusters[0].options.backends.pop_back();
    next.clusters[0].probe->fall = 9;
    next.pools = {pool("web"), pool("api")};
    next.pools[0].hold = 1s;
    next.listeners = {listener("web", "127.0.0.1:80")};

    CHECK(join(described(diff(running(), next)), "\n") ==
          "backends removed: web/c\n"
          "probes changed: web\n"
          "pools added: api\n"
          "pools changed: web\n"
          "listeners removed: old\n"
          "node.drain_timeout: 5m -> 1m\n"
          "log.level: info -> debug");
  }

  TEST_CASE("a description stays short when thousands of backends change") {
    Config next = running();
    next.clusters[0].options.backends.clear();
    for (int i = 0; i < 5'000; ++i) {
      next.clusters[0].options.backends.push_back(backend(concat("n", i), "10.0.0.1:80"));
    }
    const std::vector<std::string> lines = described(diff(running(), next));

    REQUIRE(lines.size() == 2);
    CHECK(lines[0].size() < 300);
    CHECK(lines[0].find(" and 4980 more") != std::string::npos);
  }

  TEST_CASE("virtual routers are compared by name and told with what people ask first") {
    vrrp::Options front;
    front.name = "front";
    front.priority = vrrp::Priority{150};
    front.addresses = {{*IpAddress::parse("192.0.2.100"), 24}};
    vrrp::Options back = front;
    back.name = "back";
    Config before = running();
    before.vrrp = {front, back};
    Config after = running();
    front.priority = vrrp::Priority{100};
    front.addresses = {{*IpAddress::parse("192.0.2.101"), 24}};
    front.authentication = vrrp::AuthenticationOptions{};
    vrrp::Options third = back;
    third.name = "third";
    after.vrrp = {front, third};

    const Diff diff = config::diff(before, after);

    CHECK(described(diff) ==
          std::vector<std::string>{
              "vrrp instances added: third", "vrrp instances removed: back",
              "vrrp instances changed: front (priority 150 -> 100, +192.0.2.101/24, -192.0.2.100/24, authentication)"});
    CHECK_FALSE(diff.empty());
    CHECK(config::diff(after, after).empty());
  }

  TEST_CASE("the content of a key counts as a change and is not told") {
    vrrp::Options front;
    front.name = "front";
    front.authentication = vrrp::AuthenticationOptions{};
    front.authentication->keys = {{1, std::vector<std::byte>(32, std::byte{1})}};
    Config before = running();
    before.vrrp = {front};
    Config after = before;
    after.vrrp[0].authentication->keys[0].secret[0] = std::byte{2};

    CHECK(described(config::diff(before, after)) ==
          std::vector<std::string>{"vrrp instances changed: front (authentication)"});
  }

  TEST_CASE("the link and the hang timeout are taken over at once") {
    const Config before = running();
    Config after = running();
    after.node.hang_timeout = 2s;
    after.peer.emplace();
    after.peer->address = *Endpoint::parse("192.0.2.3:8405");
    after.peer->listen = *Endpoint::parse("192.0.2.2:8405");
    after.peer->key_file = "/k";

    CHECK(described(config::diff(before, after)) ==
          std::vector<std::string>{"node.hang_timeout: 500ms -> 2s", "peer.address: none -> 192.0.2.3:8405",
                                   "peer.listen: none -> 192.0.2.2:8405", "peer.key_file: none -> /k"});
    CHECK(described(config::diff(after, before)).at(1) == "peer.address: 192.0.2.3:8405 -> none");
  }
}
