#include "healthcheck/probe/http.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "healthcheck/check_options.hpp"
#include "tests/healthcheck/support/fake_server.hpp"
#include "tests/healthcheck/support/probe_once.hpp"

namespace tandem::healthcheck {
namespace {

using namespace std::chrono_literals;
using testing::Ending;
using testing::FakeServer;
using testing::Outcome;
using testing::Peer;
using testing::probe_once;

ProbeOptions http(HttpProbeOptions kind = {}) {
  ProbeOptions options;
  options.kind = std::move(kind);
  options.timeout = 300ms;
  return options;
}

std::string response(unsigned status, std::string_view body) {
  return concat("HTTP/1.1 ", status, " Word\r\nContent-Length: ", body.size(), "\r\n\r\n", body);
}

/// Serves `answer` to whoever asks and probes once.
Outcome probe_with(const std::string& answer, const ProbeOptions& options) {
  FakeServer server([&](Peer& peer) {
    peer.read_until("\r\n\r\n");
    peer.write(answer);
  });
  return probe_once(server.endpoint(), options);
}

Verdict judged(const HttpProbeOptions& options, unsigned status, std::string body) {
  return judge_http(options, {.status = status, .body = std::move(body)});
}

/// The verdict on `answer` fed in pieces of `size` bytes, then the end.
Verdict fed(const std::string& answer, std::size_t size, const HttpProbeOptions& options = {}) {
  HttpDialogue dialogue(options, {});
  for (std::size_t at = 0; at < answer.size(); at += size) {
    if (const auto verdict = dialogue.on_bytes(as_bytes(std::string_view(answer).substr(at, size)))) {
      return *verdict;
    }
  }
  return dialogue.on_end();
}

TEST_SUITE("healthcheck/probe/http") {
  TEST_CASE("the request names the host and closes the connection") {
    HttpProbeOptions options;
    options.path = "/health?full=1";
    options.headers = {{"X-Probe", "yes"}};

    CHECK(http_request(options, "shop.example") ==
          "GET /health?full=1 HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nX-Probe: yes\r\n"
          "User-Agent: tandem\r\n\r\n");
  }

  TEST_CASE("an answer of 2xx is reachable and the server sees a FIN and no reset") {
    std::atomic<Ending> ending{Ending::still_there};
    std::string request;
    Outcome outcome;
    {
      FakeServer server([&](Peer& peer) {
        request = peer.read_until("\r\n\r\n");
        peer.write(response(204, ""));
        ending = peer.wait_end();
      });
      outcome = probe_once(server.endpoint(), http());
      CHECK(request.find(concat("Host: ", to_string(server.endpoint()), "\r\n")) != std::string::npos);
    }

    CHECK(outcome.verdict.reachable);
    CHECK(outcome.verdict.reason == "HTTP 204");
    CHECK(outcome.verdicts == 1);
    CHECK(ending == Ending::fin);
  }

  TEST_CASE("a status that is not wanted is named with what was") {
    HttpProbeOptions options;
    options.expect_status = {{200, 299}, {401, 401}};

    CHECK(judged({}, 503, "").reason == "HTTP 503, wanted 200-299");
    CHECK(judged(options, 404, "").reason == "HTTP 404, wanted 200-299,401");
    CHECK(judged(options, 401, "").reachable);
    CHECK(probe_with(response(503, "busy"), http()).verdict.reason == "HTTP 503, wanted 200-299");
  }

  TEST_CASE("a body is searched for the text") {
    HttpProbeOptions options;
    options.expect_body = "all good";

    CHECK(judged(options, 200, "<p>all good</p>").reachable);
    CHECK(judged(options, 200, "all  good").reason == "HTTP 200, body has no \"all good\"");
  }

  TEST_CASE("JSON pointers lead to wanted values") {
    HttpProbeOptions options;
    options.expect_json = {{"/checks/db", "\"ok\""}, {"/n/0", "3"}};

    CHECK(judged(options, 200, R"({"checks":{"db":"ok"},"n":[3.0]})").reachable);
    CHECK(judged(options, 200, R"({"checks":{"db":"down"},"n":[3]})").reason ==
          R"(HTTP 200, JSON /checks/db is "down", wanted "ok")");
    CHECK(judged(options, 200, R"({"checks":{}})").reason == R"(HTTP 200, JSON /checks/db is missing, wanted "ok")");
    CHECK(judged(options, 200, R"({"checks":{"db":"ok"},"n":[4]})").reason == "HTTP 200, JSON /n/0 is 4, wanted 3");
    CHECK(judged(options, 200, "<html>").reason.starts_with("HTTP 200, body is not JSON: "));
  }

  TEST_CASE("expectations of JSON are checked before they are used") {
    CHECK(check_expect_json("/a/b", "\"ok\"").has_value());
    CHECK(check_expect_json("", "{}").has_value());
    CHECK(check_expect_json("a/b", "1").has_error());
    CHECK(check_expect_json("/a~2", "1").has_error());
    CHECK(check_expect_json("/a", "ok").error().text.starts_with("\"ok\" is not a JSON value: "));
  }

  TEST_CASE("an answer means the same in pieces of any size") {
    HttpProbeOptions options;
    options.expect_body = "hello world";
    const std::string plain = response(200, "hello world");
    const std::string chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6;x=1\r\nhello \r\n5\r\nworld\r\n0\r\nA: b\r\n\r\n";
    const std::string until_end = "HTTP/1.0 200 OK\r\n\r\nhello world";
    const std::string early = concat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", plain);

    for (const std::string& answer : {plain, chunked, until_end, early}) {
      for (std::size_t size = 1; size <= answer.size(); ++size) {
        CAPTURE(answer);
        CAPTURE(size);
        REQUIRE(fed(answer, size, options).reason == "HTTP 200");
      }
    }
  }

  TEST_CASE("an answer cut short anywhere is no success") {
    const std::string answer = response(200, "hello world");
    for (std::size_t size = 0; size < answer.size(); ++size) {
      const Verdict verdict = fed(answer.substr(0, size), 7);
      CAPTURE(size);
      CHECK_FALSE(verdict.reachable);
      CHECK_FALSE(verdict.reason.empty());
    }
    CHECK(fed("", 1).reason == "closed without an answer");
    CHECK(fed(answer.substr(0, 20), 7).reason == "closed in the middle of the HTTP head");
    CHECK(fed(answer.substr(0, answer.size() - 1), 7).reason == "closed in the middle of the HTTP answer");
  }

  TEST_CASE("what is not HTTP is named so") {
    CHECK(fed("SSH-2.0-OpenSSH_9.2\r\n\r\n", 5).reason.starts_with("answer is not HTTP: "));
    CHECK(fed(std::string(300, '\0'), 100).reason.starts_with("answer is not HTTP: "));
    CHECK(fed("HTTP/1.1 abc OK\r\n\r\n", 5).reason.starts_with("answer is not HTTP: "));
    CHECK(fed("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", 50).reason.starts_with("answer is not HTTP: "));
  }

  TEST_CASE("a head of more than 16 KiB and a body of more than 1 MiB are refused") {
    const std::string long_head = concat("HTTP/1.1 200 OK\r\nA: ", std::string(17'000, 'x'), "\r\n\r\n");
    const std::string announced = "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n";
    const std::string unannounced = concat("HTTP/1.1 200 OK\r\n\r\n", std::string(1'100'000, 'x'));
    const std::string chunk =
        concat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n", std::string(99, 'x'));
    const std::string extension =
        concat("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", std::string(40'000, 'x'));

    CHECK(fed(long_head, 1000).reason == "HTTP head larger than 16 KiB");
    CHECK(fed(announced, 1000).reason == "HTTP body larger than 1 MiB");
    CHECK(fed(unannounced, 1000).reason == "HTTP body larger than 1 MiB");
    CHECK(fed(chunk, 1000).reason == "HTTP body larger than 1 MiB");
    CHECK_FALSE(fed(extension, 1000).reachable);
  }

  TEST_CASE("an answer to HEAD has no body") {
    HttpProbeOptions options;
    options.method = "HEAD";

    CHECK(fed("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", 10, options).reachable);
  }

  TEST_CASE("an answer that comes byte by byte is read") {
    FakeServer server([](Peer& peer) {
      peer.read_until("\r\n\r\n");
      for (const char byte : response(200, "hello")) {
        peer.write(std::string(1, byte));
      }
    });

    CHECK(probe_once(server.endpoint(), http()).verdict.reason == "HTTP 200");
  }

  TEST_CASE("a timeout names the phase it hit") {
    FakeServer silent([](Peer& peer) { peer.wait_end(); });
    FakeServer stuck([](Peer& peer) {
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
      peer.wait_end();
    });
    HttpProbeOptions over_tls;
    over_tls.tls.emplace();

    const Outcome head = probe_once(silent.endpoint(), http());
    CHECK(head.verdict.reason == "timeout after 300ms in HTTP head");
    CHECK(head.took < 2s);
    CHECK(probe_once(stuck.endpoint(), http()).verdict.reason == "timeout after 300ms in HTTP body");
    CHECK(probe_once(silent.endpoint(), http(over_tls)).verdict.reason == "timeout after 300ms in TLS handshake");
  }

  TEST_CASE("an endless answer ends in a clear reason within the timeout") {
    FakeServer head([](Peer& peer) {
      peer.write("HTTP/1.1 200 OK\r\n");
      while (peer.write("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n")) {
      }
    });
    FakeServer body([](Peer& peer) {
      peer.write("HTTP/1.1 200 OK\r\n\r\n");
      while (peer.write(std::string(10'000, 'x'))) {
      }
    });
    FakeServer drip([](Peer& peer) {
      peer.write("HTTP/1.1 200 OK\r\n\r\n");
      while (peer.write("x")) {
        std::this_thread::sleep_for(1ms);
      }
    });

    CHECK(probe_once(head.endpoint(), http()).verdict.reason == "HTTP head larger than 16 KiB");
    CHECK(probe_once(body.endpoint(), http()).verdict.reason == "HTTP body larger than 1 MiB");
    CHECK(probe_once(drip.endpoint(), http()).verdict.reason == "timeout after 300ms in HTTP body");
  }
}

}  // namespace
}  // namespace tandem::healthcheck
