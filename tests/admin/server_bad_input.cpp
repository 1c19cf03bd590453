#include <doctest/doctest.h>

#include <iostream>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "tests/admin/running_server.hpp"
#include "tests/admin/wire.hpp"

namespace tandem::admin {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kHealth = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// The server still does its work.
bool serves(const RunningServer& running) {
  Wire wire = Wire::tcp(running.port);
  wire.send(kHealth);
  return status_of(wire.read_response()) == 200;
}

std::string post_reload(std::string_view headers) {
  return "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) + "\r\n";
}

}  // namespace

TEST_SUITE("admin/server/bad_input") {
  TEST_CASE("a head that is too large is 431") {
    RunningServer running;
    for (const std::size_t size : {9000U, 100000U, 3000000U}) {
      Wire wire = Wire::tcp(running.port);
      wire.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(size, 'x') + "\r\n\r\n");
      wire.end();
      CHECK(status_of(wire.read_all()) == 431);
    }
    CHECK(serves(running));
  }

  TEST_CASE("an endless target is 431") {
    RunningServer running;
    Wire wire = Wire::tcp(running.port);

    wire.send("GET /" + std::string(20000, 'a'));

    CHECK(status_of(wire.read_all()) == 431);
  }

  TEST_CASE("a body that is too large is 413 and the answer arrives") {
    RunningServer running;
    const std::string body(200000, ' ');
    for (const std::string& how :
         {std::string("Content-Length: 200000\r\n"), std::string("Transfer-Encoding: chunked\r\n")}) {
      CAPTURE(how);
      Wire wire = Wire::unix_socket(running.options.socket);
      wire.send(post_reload(how) + (how.starts_with("T") ? "30d40\r\n" : "") + body);
      wire.end();
      CHECK(status_of(wire.read_all()) == 413);
      CHECK_FALSE(wire.closed_by_reset());
    }
    running.on_thread([&] { CHECK(running.control.reloaded_by.empty()); });
  }

  TEST_CASE("a body at the limit is taken") {
    RunningServer running;
    Wire wire = Wire::unix_socket(running.options.socket);

    wire.send(post_reload("Content-Length: 65536\r\n") + std::string(65536, ' '));

    CHECK(status_of(wire.read_response()) == 200);
  }

  TEST_CASE("a client that asks before it sends its body is told to go on") {
    RunningServer running;
    Wire wire = Wire::unix_socket(running.options.socket);

    wire.send(post_reload("Content-Length: 2\r\nExpect: 100-continue\r\n"));
    REQUIRE(wire.read_until("HTTP/1.1 100 Continue\r\n\r\n"));
    wire.received.clear();
    wire.send("{}");

    CHECK(status_of(wire.read_response()) == 200);
  }

  TEST_CASE("a chunked body is understood") {
    RunningServer running;
    Wire wire = Wire::unix_socket(running.options.socket);

    wire.send(post_reload("Transfer-Encoding: chunked\r\n") + "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n");

    CHECK(status_of(wire.read_response()) == 200);
  }

  TEST_CASE("a refused request with a body is answered and closed") {
    RunningServer running;
    Wire wire = Wire::tcp(running.port);

    wire.send(post_reload("Content-Length: 60000\r\n") + std::string(60000, 'x') + std::string(kHealth));

    const std::string answers = wire.read_all();
    CHECK(status_of(answers) == 403);
    CHECK(answers.find("HTTP/1.1", 1) == std::string::npos);
  }

  TEST_CASE("malformed requests are 400 and cost only their own connection") {
    RunningServer running;
    const std::string cases[] = {
        "nonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET /healthz\r\n\r\n",
        "GET /healthz HTTP/9.9\r\n\r\n",
        "GET /healthz FTP/1.1\r\n\r\n",
        "GET /hea\x01lthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost localhost\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n Host: localhost\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n",
        "GET /healthz HTTP/1.1\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        "POST /api/v1/reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /% HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        std::string("\0\0\0\0\r\n\r\n", 8),
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    };
    for (const std::string& text : cases) {
      CAPTURE(text);
      Wire wire = Wire::unix_socket(running.options.socket);
      wire.send(text);
      wire.end();
      CHECK(status_of(wire.read_all()) == 400);
    }
    CHECK(serves(running));
  }

  TEST_CASE("a body that is not JSON is 400") {
    RunningServer running;
    Wire wire = Wire::unix_socket(running.options.socket);

    wire.send(post_reload("Content-Length: 5\r\n") + "{\"for");

    CHECK(status_of(wire.read_response()) == 400);
    wire.send(kHealth);
    CHECK(status_of(wire.read_response()) == 200);
  }

  TEST_CASE("a request cut off anywhere ends quietly") {
    RunningServer running;
    const std::string whole = post_reload("Content-Length: 2\r\n") + "{}";
    for (std::size_t length = 0; length < whole.size(); ++length) {
      Wire wire = Wire::unix_socket(running.options.socket);
      wire.send(std::string_view(whole).substr(0, length));
      wire.end();
      CHECK(wire.read_all().empty());
    }
    running.on_thread([&] { CHECK(running.control.reloaded_by.empty()); });
    CHECK(serves(running));
  }

  TEST_CASE("a request that comes byte by byte is understood") {
    RunningServer running;
    Wire wire = Wire::tcp(running.port);

    for (const char byte : kHealth) {
      REQUIRE(wire.send(std::string_view(&byte, 1)));
    }

    CHECK(status_of(wire.read_response()) == 200);
  }

  TEST_CASE("a client that is too slow is closed") {
    ServerLimits limits;
    limits.request_timeout = 50ms;
    RunningServer running(limits);

    Wire silent = Wire::tcp(running.port);
    Wire halfway = Wire::tcp(running.port);
    halfway.send(kHealth.substr(0, 20));
    Wire body = Wire::unix_socket(running.options.socket);
    body.send(post_reload("Content-Length: 2\r\n") + "{");
    Wire idle = Wire::tcp(running.port);
    idle.send(kHealth);

    CHECK(silent.read_all().empty());
    CHECK(halfway.read_all().empty());
    CHECK(body.read_all().empty());
    CHECK(status_of(idle.read_all()) == 200);
    running.on_thread([&] { CHECK(running.control.reloaded_by.empty()); });
  }

  TEST_CASE("random bytes never stop the server") {
    RunningServer running;
    const std::uint64_t seed = 20260131;
    std::cout << "admin/server/bad_input: seed " << seed << "\n";
    Random random(seed);
    const std::string_view words[] = {"GET ",
                                      "POST ",
                                      "/",
                                      "/api/v1/status",
                                      " HTTP/1.1\r\n",
                                      "Host: localhost\r\n",
                                      "\r\n",
                                      "Content-Length: ",
                                      "chunked",
                                      "%",
                                      ":",
                                      "\n",
                                      "{",
                                      "Expect: ",
                                      "\r\n\r\n",
                                      "18446744073709551616"};
    for (int round = 0; round < 300; ++round) {
      std::string text;
      const std::uint32_t parts = 1 + random.below(60);
      for (std::uint32_t part = 0; part < parts; ++part) {
        if (random.below(3) == 0) {
          text += static_cast<char>(random.below(256));
        } else {
          text += words[random.below(static_cast<std::uint32_t>(std::size(words)))];
        }
      }
      Wire wire = random.below(2) == 0 ? Wire::tcp(running.port) : Wire::unix_socket(running.options.socket);
      wire.send(text);
      wire.end();
      const std::string answer = wire.read_all();
      CAPTURE(text);
      CHECK((answer.empty() || status_of(answer) >= 100));
    }
    CHECK(serves(running));
  }

  TEST_CASE("a client that resets in the middle costs nobody else anything") {
    RunningServer running;
    for (int round = 0; round < 50; ++round) {
      Wire wire = Wire::tcp(running.port);
      wire.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\nGET /metr");
      const linger hard{1, 0};
      setsockopt(wire.fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    CHECK(serves(running));
  }
}

}  // namespace tandem::admin
