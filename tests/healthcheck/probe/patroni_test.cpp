#include "healthcheck/probe/patroni.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "base/text.hpp"
#include "healthcheck/monitor.hpp"
#include "tests/healthcheck/support/fake_server.hpp"
#include "tests/healthcheck/support/probe_once.hpp"

namespace tandem::healthcheck {
namespace {

using namespace std::chrono_literals;
using testing::ClosedPort;
using testing::Ending;
using testing::FakeServer;
using testing::Outcome;
using testing::Peer;
using testing::probe_once;

// Bodies as Patroni 3.0 gives them, shortened.
const std::string kPrimary =
    R"({"state": "running", "postmaster_start_time": "2026-01-31 12:00:00.000000+00:00", "role": "master",)"
    R"( "server_version": 150006, "xlog": {"location": 67108864}, "timeline": 4, "replication": [],)"
    R"( "dcs_last_seen": 1700000000, "patroni": {"version": "3.0.2", "scope": "orders"}})";
const std::string kReplica =
    R"({"state": "running", "role": "replica", "server_version": 150006, "xlog": {"received_location": 67108864,)"
    R"( "replayed_location": 55108864, "replayed_timestamp": null, "paused": false}, "timeline": 4})";

Verdict judged(unsigned status, std::string body) { return judge_patroni({.status = status, .body = std::move(body)}); }

/// As Python's http.server answers: HTTP/1.0, no length, the body ends with the connection.
std::string response(unsigned status, std::string_view body) {
  return concat("HTTP/1.0 ", status, " Word\r\nServer: BaseHTTP/0.6\r\nContent-Type: application/json\r\n\r\n", body);
}

/// A database node: Patroni's REST API and PostgreSQL's port, which listens or not.
struct Node {
  explicit Node(std::string rest_answer, FakeServer::Serve also = {})
      : answer(std::move(rest_answer)), rest([this, also = std::move(also)](Peer& peer) {
          request = peer.read_until("\r\n\r\n");
          if (also) {
            also(peer);
          }
          peer.write(answer);
          peer.finish();
          ending = peer.wait_end();
        }) {}

  [[nodiscard]] ProbeOptions options() const {
    ProbeOptions out;
    out.kind = PatroniProbeOptions{};
    out.port = rest.endpoint().port;
    out.timeout = 300ms;
    return out;
  }

  std::string answer;
  std::string request;
  std::atomic<Ending> ending{Ending::still_there};
  ClosedPort postgres;
  FakeServer rest;
};

Verdict probe(const Node& node) { return probe_once(node.postgres.endpoint(), node.options()).verdict; }

TEST_SUITE("healthcheck/probe/patroni") {
  TEST_CASE("who holds the leader lock and runs as a primary is the primary") {
    const Verdict verdict = judged(200, kPrimary);

    CHECK(verdict.reachable);
    CHECK(verdict.role == Role::primary);
    CHECK(verdict.role_definite);
    CHECK(verdict.epoch == 4U);
    CHECK(verdict.position == 67'108'864U);
    CHECK_FALSE(verdict.lag_bytes);
    CHECK(verdict.takes_reads);
    CHECK(verdict.reason == "role primary, timeline 4");
  }

  TEST_CASE("newer versions say primary where older ones said master") {
    CHECK(judged(200, R"({"state":"running","role":"primary","timeline":2})").role == Role::primary);
  }

  TEST_CASE("a replica tells its timeline and how far it replayed") {
    const Verdict verdict = judged(503, kReplica);

    CHECK(verdict.reachable);
    CHECK(verdict.role == Role::replica);
    CHECK(verdict.epoch == 4U);
    CHECK(verdict.position == 55'108'864U);
    CHECK(verdict.reason == "role replica, timeline 4");
  }

  TEST_CASE("a primary without the leader lock is none") {
    const Verdict verdict = judged(503, kPrimary);

    CHECK(verdict.reachable);
    CHECK(verdict.role == Role::none);
    CHECK(verdict.role_definite);
    CHECK(verdict.reason == "role primary without the leader lock, timeline 4");
  }

  TEST_CASE("a standby leader is neither primary nor replica") {
    for (const unsigned status : {200U, 503U}) {
      const Verdict verdict = judged(status, R"({"state":"running","role":"standby_leader","timeline":7})");
      CHECK(verdict.reachable);
      CHECK(verdict.role == Role::none);
    }
  }

  TEST_CASE("a leader that is still being promoted is a replica") {
    const Verdict verdict = judged(200, kReplica);

    CHECK(verdict.role == Role::replica);
    CHECK(verdict.reason == "role replica with the leader lock, timeline 4");
  }

  TEST_CASE("noloadbalance keeps a node out of read pools") {
    CHECK_FALSE(judged(503, R"({"state":"running","role":"replica","tags":{"noloadbalance":true}})").takes_reads);
    CHECK(judged(503, R"({"state":"running","role":"replica","tags":{"noloadbalance":false}})").takes_reads);
  }

  TEST_CASE("PostgreSQL that is not running is not reachable though its role is known") {
    const Verdict verdict = judged(503, R"({"state":"starting","role":"replica"})");

    CHECK_FALSE(verdict.reachable);
    CHECK(verdict.role_definite);
    CHECK(verdict.role == Role::replica);
    CHECK(verdict.reason == "PostgreSQL is starting");
  }

  TEST_CASE("answers that are not Patroni's are refused with a reason") {
    CHECK(judged(404, "").reason == "HTTP 404 from Patroni, wanted 200 or 503");
    CHECK(judged(200, "<html>").reason.starts_with("HTTP 200, body is not Patroni's JSON: "));
    CHECK(judged(200, "[1]").reason == "HTTP 200, body is not Patroni's JSON");
    CHECK(judged(200, "{}").reason == "HTTP 200, body is not Patroni's: no state");
    CHECK(judged(200, R"({"state":"running","role":7})").reason == "HTTP 200, body is not Patroni's: no role");
    CHECK_FALSE(judged(200, "{}").role_definite);
    const Verdict odd = judged(503, R"({"state":"running","role":"x\u001b[2Jy","timeline":-1,"xlog":[],"tags":3})");
    CHECK(odd.role == Role::none);
    CHECK(odd.reason == "role x?[2Jy");
    CHECK_FALSE(odd.epoch);
    CHECK(judged(503, R"({"state":"running","role":"replica","timeline":1e300,"xlog":{"replayed_location":"5"}})")
              .reachable);
  }

  TEST_CASE("a node is asked once and sees no reset") {
    Node node(response(200, kPrimary));
    node.postgres.listen();

    const Verdict verdict = probe(node);

    CHECK(verdict.role == Role::primary);
    CHECK(verdict.reachable);
    for (int n = 0; n < 200 && node.ending == Ending::still_there; ++n) {
      std::this_thread::sleep_for(10ms);
    }
    CHECK(node.ending == Ending::fin);
    CHECK(node.request.starts_with("GET /primary HTTP/1.1\r\n"));
    CHECK(node.rest.accepted() == 1);
  }

  TEST_CASE("a node that answers 200 before its port listens is not reachable") {
    Node node(response(200, kPrimary));

    const Verdict before = probe(node);
    node.postgres.listen();
    const Verdict after = probe(node);

    CHECK_FALSE(before.reachable);
    CHECK(before.reason == concat("PostgreSQL port ", node.postgres.endpoint().port, ": connect refused"));
    CHECK(after.reachable);
  }

  TEST_CASE("garbage and endless answers and silence end in a reason within the timeout") {
    const Node garbage("\x16\x03\x01 what is this\r\n\r\n");
    const Node endless("", [](Peer& peer) {
      peer.write("HTTP/1.0 200 OK\r\n\r\n");
      while (peer.write(std::string(10'000, '{'))) {
      }
    });
    const Node silent("", [](Peer& peer) { peer.wait_end(); });

    CHECK(probe(garbage).reason.starts_with("answer is not HTTP: "));
    CHECK(probe(endless).reason == "HTTP body larger than 1 MiB");
    const Outcome outcome = probe_once(silent.postgres.endpoint(), silent.options());
    CHECK(outcome.verdict.reason == "timeout after 300ms in Patroni's answer");
    CHECK(outcome.took < 2s);
  }

  TEST_CASE("an answer that comes byte by byte is read") {
    Node node("", [](Peer& peer) {
      for (const char byte : response(503, kReplica)) {
        peer.write(std::string(1, byte));
      }
    });
    node.postgres.listen();

    CHECK(probe(node).role == Role::replica);
  }

  TEST_CASE("a replica's lag is measured against the primary of its cluster") {
    Node primary(response(200, kPrimary));
    Node replica(response(503, kReplica));
    primary.postgres.listen();
    replica.postgres.listen();
    std::map<BackendId, Report> last;
    boost::asio::io_context context(1);
    Monitor monitor(context, 1, Log{}, [&last](const Report& report) { last[report.backend] = report; });
    std::vector<Target> targets;
    for (const Node* node : {&primary, &replica}) {
      ProbeOptions options = node->options();
      options.interval = 50ms;
      targets.push_back(testing::target(node->postgres.endpoint(), options));
      targets.back().id = BackendId{static_cast<std::uint32_t>(targets.size())};
    }
    monitor.set_targets(targets);

    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (last[BackendId{2}].standing.lag_bytes != 12'000'000U && std::chrono::steady_clock::now() < give_up) {
      context.run_for(10ms);
      context.restart();
    }

    CHECK(last[BackendId{1}].standing.role == Role::primary);
    CHECK(last[BackendId{2}].standing.lag_bytes == 12'000'000U);
    CHECK(last[BackendId{2}].standing.reason == "role replica, timeline 4, lag 12 MB");
    monitor.stop();
    context.run_for(1s);
  }
}

}  // namespace
}  // namespace tandem::healthcheck
