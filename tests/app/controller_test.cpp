#include "app/controller.hpp"

#include <doctest/doctest.h>

#include "tests/app/fake_plane.hpp"

namespace tandem::app {

namespace {

using Strings = std::vector<std::string>;
using Candidates = std::map<std::string, std::string>;

/// A web cluster without a probe, so that every backend counts as reachable at once.
config::Config web_config() {
  config::Config config;
  config::Cluster cluster;
  cluster.options.name = "web";
  for (const char* name : {"web-1", "web-2"}) {
    lb::BackendOptions backend;
    backend.name = name;
    backend.address = *Endpoint::parse(backend.name == "web-1" ? "192.0.2.1:80" : "192.0.2.2:80");
    cluster.options.backends.push_back(backend);
  }
  config.clusters.push_back(cluster);
  lb::PoolOptions pool;
  pool.name = "web";
  pool.cluster = "web";
  config.pools.push_back(pool);
  lb::ListenerOptions listener;
  listener.name = "web";
  listener.pool = "web";
  listener.bind = {*Endpoint::parse("127.0.0.1:80"), *Endpoint::parse("[::1]:80")};
  config.listeners.push_back(listener);
  return config;
}

struct Node {
  boost::asio::io_context context;
  FakePlane plane;
  Controller controller{context, plane, 1, 1, Log()};

  /// Lets confirmations of the plane come in.
  void settle() {
    context.restart();
    context.poll();
  }
};

}  // namespace

TEST_SUITE("app/controller") {
  TEST_CASE("the first configuration opens every address and publishes every pool") {
    Node node;

    REQUIRE(node.controller.apply(web_config()).has_value());
    node.settle();

    CHECK(node.plane.told == Strings{"open 127.0.0.1:80", "open [::1]:80"});
    CHECK(node.plane.candidates() == Candidates{{"web", "web-1 web-2"}});
    CHECK(node.plane.severs.empty());
  }

  TEST_CASE("a reload that changes nothing touches nothing") {
    Node node;
    REQUIRE(node.controller.apply(web_config()).has_value());
    node.settle();
    const auto snapshot = node.plane.snapshot;
    node.plane.told.clear();

    REQUIRE(node.controller.apply(web_config()).has_value());
    node.settle();

    CHECK(node.plane.told.empty());
    CHECK(node.plane.snapshot == snapshot);
  }

  TEST_CASE("a reload whose new address cannot be opened changes nothing and says why") {
    Node node;
    REQUIRE(node.controller.apply(web_config()).has_value());
    node.settle();
    REQUIRE(node.controller.drain("web", "web-1", {}, std::nullopt).has_value());
    const auto pool_before = node.controller.pools().find_pool("web");
    const auto first_before = node.controller.pools().find_backend("web", "web-1");
    const auto second_before = node.controller.pools().find_backend("web", "web-2");
    config::Config next = web_config();
    next.clusters[0].options.backends.pop_back();
    next.clusters[0].options.backends[0].address = *Endpoint::parse("192.0.2.9:80");
    next.clusters.push_back(next.clusters[0]);
    next.clusters[1].options.name = "new";
    next.listeners[0].bind.push_back(*Endpoint::parse("127.0.0.1:81"));
    next.listeners[0].bind.push_back(*Endpoint::parse("127.0.0.1:82"));
    node.plane.cannot_listen_on = "127.0.0.1:82";
    node.plane.told.clear();

    const Result<void> applied = node.controller.apply(next);
    node.settle();

    REQUIRE(applied.has_error());
    CHECK(applied.error().text == "listener \"web\": cannot listen on 127.0.0.1:82: Address already in use");
    CHECK(node.plane.told == Strings{"open 127.0.0.1:81", "close 127.0.0.1:81"});
    CHECK(node.plane.candidates() == Candidates{{"web", "web-2"}});
    CHECK(node.controller.running() == web_config());
    CHECK(node.controller.pools().find_pool("web") == pool_before);
    CHECK(node.controller.pools().find_backend("web", "web-1") == first_before);
    CHECK(node.controller.pools().find_backend("web", "web-2") == second_before);
    CHECK(node.controller.pools().clusters().size() == 1);
    CHECK(node.plane.severs.empty());
  }

  TEST_CASE("an address stays open when it moves to another listener and pool") {
    Node node;
    REQUIRE(node.controller.apply(web_config()).has_value());
    node.settle();
    config::Config next = web_config();
    next.pools.push_back(next.pools[0]);
    next.pools[1].name = "api";
    next.listeners.push_back(next.listeners[0]);
    next.listeners[0].bind.pop_back();
    next.listeners[1].bind.erase(next.listeners[1].bind.begin());
    next.listeners[1].name = "api";
    next.listeners[1].pool = "api";
    node.plane.told.clear();

    REQUIRE(node.controller.apply(next).has_value());
    node.settle();

    CHECK(node.plane.told == Strings{"update [::1]:80"});
    CHECK(node.plane.candidates() == Candidates{{"api", "web-1 web-2"}, {"web", "web-1 web-2"}});
  }

  TEST_CASE("a removed backend takes no new sessions and its open ones are severed near the end of the drain timeout") {
    Node node;
    REQUIRE(node.controller.apply(web_config()).has_value());
    node.settle();
    const auto removed = node.controller.pools().find_backend("web", "web-2");
    config::Config next = web_config();
    next.clusters[0].options.backends.pop_back();
    next.node.drain_timeout = std::chrono::milliseconds(0);

    REQUIRE(node.controller.apply(next).has_value());
    node.context.restart();
    node.context.run_one_for(std::chrono::seconds(5));
    node.settle();

    CHECK(node.plane.candidates() == Candidates{{"web", "web-1"}});
    REQUIRE(node.plane.severs.size() == 1);
    CHECK(node.plane.severs[0].backend == removed);
    CHECK(node.plane.severs[0].cause == lb::Cause::severed_drain);
  }

  TEST_CASE("a drain survives a reload and ends when it is taken back") {
    Node node;
    REQUIRE(node.controller.apply(web_config()).has_value());
    Drain drain;
    drain.who = "alice";
    REQUIRE(node.controller.drain("web", "web-1", drain, std::nullopt).has_value());
    config::Config next = web_config();
    next.clusters[0].options.backends[0].weight = 50;

    REQUIRE(node.controller.apply(next).has_value());
    node.settle();
    CHECK(node.plane.candidates() == Candidates{{"web", "web-2"}});

    REQUIRE(node.controller.ready("web", "web-1", "alice").has_value());
    node.settle();
    CHECK(node.plane.candidates() == Candidates{{"web", "web-1 web-2"}});
  }

  TEST_CASE("an order for a backend that is not there says which there are") {
    Node node;
    REQUIRE(node.controller.apply(web_config()).has_value());

    CHECK(node.controller.drain("web", "web-9", {}, std::nullopt).error().text ==
          "cluster \"web\" has no backend \"web-9\"; there are: web-1, web-2");
    CHECK(node.controller.ready("wib", "web-1", "alice").error().text ==
          "cluster \"wib\" does not exist; there are: web");
    CHECK(node.controller.promote("web", "web-1", "alice").has_error());
  }

  TEST_CASE("what happened is kept for those who ask") {
    Node node;
    REQUIRE(node.controller.apply(web_config()).has_value());
    REQUIRE(node.controller.drain("web", "web-1", {}, std::chrono::minutes(10)).has_value());

    const auto events = node.controller.events().since(0);

    REQUIRE_FALSE(events.empty());
    CHECK(events.back().what.event == "drain");
  }
}

}  // namespace tandem::app
