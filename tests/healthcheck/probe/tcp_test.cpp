#include "healthcheck/probe/tcp.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "healthcheck/probe/recipe.hpp"
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

ProbeOptions tcp(std::string send = {}, std::string expect = {}) {
  ProbeOptions options;
  options.kind = TcpProbeOptions{std::move(send), std::move(expect)};
  options.timeout = 300ms;
  return options;
}

TEST_SUITE("healthcheck/probe/tcp") {
  TEST_CASE("a port that takes connections is reachable and sees a FIN and no reset") {
    std::atomic<Ending> ending{Ending::still_there};
    Outcome outcome;
    {
      FakeServer server([&](Peer& peer) { ending = peer.wait_end(); });
      outcome = probe_once(server.endpoint(), tcp());
    }

    CHECK(outcome.verdict.reachable);
    CHECK(outcome.verdict.reason == "connected");
    CHECK(outcome.verdicts == 1);
    CHECK(ending == Ending::fin);
  }

  TEST_CASE("a server that greets first sees no reset either") {
    std::atomic<Ending> ending{Ending::still_there};
    Outcome outcome;
    {
      FakeServer server([&](Peer& peer) {
        peer.write(std::string(100'000, 'x'));
        ending = peer.wait_end();
      });
      outcome = probe_once(server.endpoint(), tcp());
    }

    CHECK(outcome.verdict.reachable);
    CHECK(ending == Ending::fin);
  }

  TEST_CASE("a port where nobody listens refuses") {
    const ClosedPort port;

    const Outcome outcome = probe_once(port.endpoint(), tcp());

    CHECK_FALSE(outcome.verdict.reachable);
    CHECK(outcome.verdict.reason == "connect refused");
    CHECK(outcome.evidence == Evidence::counts);
  }

  TEST_CASE("an answer may come in pieces") {
    std::atomic<Ending> ending{Ending::still_there};
    Outcome outcome;
    {
      FakeServer server([&](Peer& peer) {
        if (peer.read_until("\n") == "PING\n") {
          for (const char byte : std::string("-NOAUTH +PO+PONG\r\n")) {
            peer.write(std::string(1, byte));
          }
        }
        ending = peer.wait_end();
      });
      outcome = probe_once(server.endpoint(), tcp("PING\n", "+PONG"));
    }

    CHECK(outcome.verdict.reachable);
    CHECK(outcome.verdict.reason == "answered \"+PONG\"");
    CHECK(ending == Ending::fin);
  }

  TEST_CASE("a wrong answer is quoted when the server closes") {
    FakeServer server([](Peer& peer) { peer.write("-ERR \x1b[2J go away\r\n"); });

    const Outcome outcome = probe_once(server.endpoint(), tcp({}, "+PONG"));

    CHECK_FALSE(outcome.verdict.reachable);
    CHECK(outcome.verdict.reason == "answered \"-ERR ?[2J go away??\", wanted \"+PONG\"");
  }

  TEST_CASE("a server that closes without a word gave no answer") {
    FakeServer server([](Peer&) {});

    CHECK(probe_once(server.endpoint(), tcp({}, "220")).verdict.reason == "closed without an answer");
  }

  TEST_CASE("silence is a timeout in the answer") {
    FakeServer server([](Peer& peer) { peer.wait_end(); });

    const Outcome outcome = probe_once(server.endpoint(), tcp("PING\n", "+PONG"));

    CHECK(outcome.verdict.reason == "timeout after 300ms in answer");
    CHECK(outcome.took >= 300ms);
  }

  TEST_CASE("an endless answer without the words ends after 64 KiB") {
    FakeServer server([](Peer& peer) {
      while (peer.write(std::string(4096, 'x'))) {
      }
    });

    CHECK(probe_once(server.endpoint(), tcp({}, "220")).verdict.reason == "no \"220\" in 64 KiB of answer");
  }

  TEST_CASE("the words are found across any cut") {
    const std::string answer = "..abcabd..";
    for (std::size_t cut = 0; cut <= answer.size(); ++cut) {
      TcpDialogue dialogue({.send = "", .expect = "abcabd"});
      std::optional<Verdict> verdict = dialogue.on_bytes(as_bytes(answer.substr(0, cut)));
      if (!verdict) {
        verdict = dialogue.on_bytes(as_bytes(answer.substr(cut)));
      }
      REQUIRE(verdict);
      CHECK(verdict->reachable);
    }
  }

  TEST_CASE("a port that drops packets is a timeout in connect") {
    // A full backlog drops the SYN: the queue holds one, and nobody accepts.
    const ClosedPort port;
    port.listen(0);
    std::vector<Outcome> outcomes;
    for (int n = 0; n < 4; ++n) {
      outcomes.push_back(probe_once(port.endpoint(), tcp()));
    }

    CHECK(outcomes.back().verdict.reason == "timeout after 300ms in connect");
  }

  TEST_CASE("an IPv6 backend is probed too") {
    const Endpoint nobody{*IpAddress::parse("::1"), 1};

    const Verdict verdict = probe_once(nobody, tcp()).verdict;

    CHECK_FALSE(verdict.reachable);
    CHECK(verdict.reason.starts_with("connect"));
  }

  TEST_CASE("want of descriptors is no evidence against the backend") {
    FakeServer server([](Peer& peer) { peer.wait_end(); });
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    boost::asio::io_context context(1);
    const Target whom = testing::target(server.endpoint(), tcp());
    const ProbeRecipe recipe(std::make_shared<Surroundings>(context), whom.probe);
    Outcome outcome;
    const std::shared_ptr<Probe> probe = recipe.make(whom);
    rlimit none = before;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);

    probe->start({}, [&outcome](const Verdict& verdict, Evidence evidence) {
      outcome.verdict = verdict;
      outcome.evidence = evidence;
    });

    setrlimit(RLIMIT_NOFILE, &before);
    context.run_for(1s);
    CHECK(outcome.evidence == Evidence::none);
    CHECK(outcome.verdict.reason == "socket: Too many open files");
  }

  TEST_CASE("another port can be probed in place of the backend's") {
    const ClosedPort backend;
    FakeServer server([](Peer& peer) { peer.wait_end(); });
    ProbeOptions options = tcp();
    options.port = server.endpoint().port;

    CHECK(probe_once(backend.endpoint(), options).verdict.reachable);
  }
}

}  // namespace
}  // namespace tandem::healthcheck
