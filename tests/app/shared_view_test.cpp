#include "app/shared_view.hpp"

#include <doctest/doctest.h>

#include <array>

#include "net/socket.hpp"
#include "tests/app/fake_plane.hpp"

namespace tandem::app {

namespace {

using namespace std::chrono_literals;

/// Two servers that take connections and never answer: what a probe asks them stays open.
class SilentServers {
 public:
  SilentServers() {
    for (net::Fd& socket : sockets_) {
      socket = *net::bind_tcp(*Endpoint::parse("127.0.0.1:0"), net::SharePort::no);
      REQUIRE(net::listen(socket, 64).has_value());
    }
  }
  [[nodiscard]] Endpoint address(std::size_t server) const { return *net::local_endpoint(sockets_.at(server)); }

 private:
  std::array<net::Fd, 2> sockets_;
};

/// A cluster "db" of pg-0 and pg-1, which no probe answers for.
config::Config database_config(const SilentServers& servers) {
  config::Config config;
  config::Cluster cluster;
  cluster.options.name = "db";
  for (const char* name : {"pg-0", "pg-1"}) {
    lb::BackendOptions backend;
    backend.name = name;
    backend.address = servers.address(backend.name == "pg-0" ? 0 : 1);
    cluster.options.backends.push_back(backend);
  }
  cluster.probe.emplace();
  cluster.probe->kind = healthcheck::HttpProbeOptions{};
  cluster.probe->interval = 1h;
  cluster.probe->timeout = 1h;
  config.clusters.push_back(cluster);
  lb::PoolOptions write;
  write.name = "write";
  write.cluster = "db";
  write.role = lb::PoolRole::primary;
  config.pools.push_back(write);
  return config;
}

/// One node of a pair, with what it tells the other.
struct Node {
  SilentServers servers;
  boost::asio::io_context context;
  FakePlane plane;
  Controller controller{context, plane, 1, 1, Log()};
  SharedView view{controller};

  Node() {
    REQUIRE(controller.apply(database_config(servers)).has_value());
    settle();
    static_cast<void>(view.changes(now()));
  }
  void settle() {
    context.restart();
    context.poll();
  }
  static Instant now() { return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now()); }
  void hear(const peer::View& said) {
    view.on_view(said, "lb-b", now());
    settle();
  }
  [[nodiscard]] std::string who_drained(const std::string& backend) const {
    const Drain* drain = controller.overrides().find({"db", backend});
    return drain != nullptr ? drain->who : "nobody";
  }
  void drain(const std::string& backend, const std::string& who) {
    Drain drain;
    drain.who = who;
    REQUIRE(controller.drain("db", backend, std::move(drain), std::nullopt).has_value());
  }
};

peer::BackendHint primary_hint(const std::string& backend, const Endpoint& address) {
  peer::BackendHint hint;
  hint.cluster = "db";
  hint.backend = backend;
  hint.address = to_string(address);
  hint.up = true;
  hint.role = Role::primary;
  hint.reason = "role primary";
  return hint;
}

peer::View only(peer::BackendHint hint) {
  peer::View view;
  view.backends.push_back(std::move(hint));
  return view;
}

}  // namespace

TEST_SUITE("app/shared_view") {
  TEST_CASE("a backend that no probe has answered for takes the word of the other node") {
    Node node;

    node.hear(only(primary_hint("pg-1", node.servers.address(1))));

    CHECK(node.plane.candidates()["write"] == "pg-1");
    CHECK(node.controller.pools().find(*node.controller.pools().find_backend("db", "pg-1"))->standing.reason ==
          "lb-b says: role primary");
  }

  TEST_CASE("a hint about another address or of long ago is none") {
    Node node;
    peer::BackendHint old = primary_hint("pg-1", node.servers.address(1));
    old.age = 11s;

    node.hear(only(primary_hint("pg-1", node.servers.address(0))));
    node.hear(only(old));

    CHECK(node.plane.candidates()["write"].empty());
  }

  TEST_CASE("what was only heard is not told on") {
    Node node;

    node.hear(only(primary_hint("pg-1", node.servers.address(1))));

    CHECK(node.view.whole(Node::now()).backends.empty());
  }

  TEST_CASE("a drain is told once and holds on the other node in the name of who said it") {
    Node here;
    Node there;
    here.drain("pg-0", "alice");

    const peer::View news = here.view.changes(Node::now());
    there.hear(news);

    REQUIRE(news.overrides.size() == 1);
    CHECK(there.who_drained("pg-0") == "alice at lb-b");
    CHECK(here.view.changes(Node::now()).overrides.empty());
    CHECK(there.view.changes(Node::now()).overrides.empty());
  }

  TEST_CASE("a drain that was taken back is taken back on the other node too") {
    Node here;
    Node there;
    here.drain("pg-0", "alice");
    there.hear(here.view.changes(Node::now()));

    REQUIRE(here.controller.ready("db", "pg-0", "bob").has_value());
    const peer::View news = here.view.changes(Node::now());
    there.hear(news);

    REQUIRE(news.overrides.size() == 1);
    CHECK(news.overrides[0].state == "ready");
    CHECK(there.who_drained("pg-0") == "nobody");
  }

  TEST_CASE("a drain that was taken back while the link was down does not come back with it") {
    Node here;
    Node there;
    here.drain("pg-0", "alice");
    there.hear(here.view.changes(Node::now()));
    REQUIRE(here.controller.ready("db", "pg-0", "bob").has_value());
    static_cast<void>(here.view.changes(Node::now()));

    here.hear(there.view.whole(Node::now()));
    there.hear(here.view.whole(Node::now()));

    CHECK(here.who_drained("pg-0") == "nobody");
    CHECK(there.who_drained("pg-0") == "nobody");
  }

  TEST_CASE("a primary that an operator chose on the other node is chosen here too") {
    Node node;
    peer::View both = only(primary_hint("pg-0", node.servers.address(0)));
    both.backends.push_back(primary_hint("pg-1", node.servers.address(1)));
    node.hear(both);
    REQUIRE(node.plane.candidates()["write"].empty());
    peer::View word;
    word.overrides.emplace_back();
    word.overrides[0].cluster = "db";
    word.overrides[0].backend = "pg-0";
    word.overrides[0].state = "promote";
    word.overrides[0].who = "alice";

    node.hear(word);

    CHECK(node.plane.candidates()["write"] == "pg-0");
  }

  TEST_CASE("a drain of a backend that this node does not have changes nothing") {
    Node node;
    peer::View view;
    view.overrides.emplace_back();
    view.overrides[0].cluster = "db";
    view.overrides[0].backend = "pg-9";
    view.overrides[0].state = "drain";

    node.hear(view);

    CHECK(node.view.changes(Node::now()).overrides.empty());
  }
}

}  // namespace tandem::app
