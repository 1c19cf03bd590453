#include <doctest/doctest.h>

#include <string>

#include "tests/admin/running_server.hpp"
#include "tests/admin/wire.hpp"

namespace tandem::admin {

namespace {

using namespace std::chrono_literals;

std::string ask_for_events(std::string_view target, std::string_view headers = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n" +
         std::string(headers) + "\r\n";
}

void happen(RunningServer& running, std::string_view name) {
  running.on_thread([&] { running.control.log.append(kNow, LogEvent{LogLevel::info, name, {{"backend", "pg-0"}}}); });
}

}  // namespace

TEST_SUITE("admin/server/events") {
  TEST_CASE("the list of events is newest first and begins after an id") {
    RunningServer running;
    happen(running, "one");
    happen(running, "two");
    Wire wire = Wire::tcp(running.port);

    wire.send("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const std::string all = wire.read_response();
    CHECK(all.find("\"newest\": 2") != std::string::npos);
    CHECK(all.find("\"two\"") < all.find("\"one\""));

    wire.send("GET /api/v1/events?since=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const std::string later = wire.read_response();
    CHECK(later.find("\"two\"") != std::string::npos);
    CHECK(later.find("\"one\"") == std::string::npos);
  }

  TEST_CASE("live events come as they happen") {
    RunningServer running;
    happen(running, "before");
    Wire wire = Wire::tcp(running.port);
    wire.send(ask_for_events("/api/v1/events"));
    REQUIRE(wire.read_until(": live events\n\n"));
    CHECK(wire.received.find("Content-Type: text/event-stream\r\n") != std::string::npos);

    happen(running, "backend_up");

    REQUIRE(wire.read_until("\"backend\":\"pg-0\"}}\n\n"));
    CHECK(wire.received.find("id: 2\ndata: {\"id\":2,") != std::string::npos);
    CHECK(wire.received.find("before") == std::string::npos);
  }

  TEST_CASE("a client that comes back gets what it missed") {
    RunningServer running;
    happen(running, "one");
    happen(running, "two");
    Wire wire = Wire::unix_socket(running.options.socket);

    wire.send(ask_for_events("/api/v1/events", "Last-Event-ID: 1\r\n"));

    REQUIRE(wire.read_until("\"two\""));
    CHECK(wire.received.find("\"one\"") == std::string::npos);
  }

  TEST_CASE("a heartbeat keeps a silent stream alive") {
    ServerLimits limits;
    limits.heartbeat = 10ms;
    limits.request_timeout = 10ms;
    RunningServer running(limits);
    Wire wire = Wire::tcp(running.port);

    wire.send(ask_for_events("/api/v1/events"));

    CHECK(wire.read_until("\n\n:\n\n:\n\n:\n\n"));
  }

  TEST_CASE("a client that does not read is dropped and counted") {
    ServerLimits limits;
    limits.stream_bytes_max = 10000;
    RunningServer running(limits);
    Wire lazy = Wire::tcp(running.port);
    Wire other = Wire::tcp(running.port);
    lazy.send(ask_for_events("/api/v1/events"));
    other.send(ask_for_events("/api/v1/events"));
    REQUIRE(lazy.read_until("live events"));
    REQUIRE(other.read_until("live events"));

    // One turn of the server's loop: nothing is written in between, as if the clients did not take it.
    running.on_thread([&] {
      const std::string reason(1000, 'x');
      for (int count = 0; count < 20; ++count) {
        running.control.log.append(kNow, LogEvent{LogLevel::info, "flood", {{"reason", reason}}});
      }
    });
    lazy.read_all();

    Wire wire = Wire::tcp(running.port);
    wire.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(wire.read_response().find("tandem_admin_rejected_total{reason=\"slow_reader\"} 2\n") != std::string::npos);
  }

  TEST_CASE("a client that stalls between two heartbeats is dropped") {
    ServerLimits limits;
    limits.heartbeat = 50ms;
    limits.stream_bytes_max = 64 * 1024 * 1024;
    RunningServer running(limits);
    Wire lazy = Wire::unix_socket(running.options.socket);
    lazy.send(ask_for_events("/api/v1/events"));
    REQUIRE(lazy.read_until("live events"));

    running.on_thread([&] {
      running.control.log.append(kNow, LogEvent{LogLevel::info, "flood", {{"reason", std::string(4'000'000, 'x')}}});
    });

    std::string metrics;
    for (int attempt = 0; attempt < 2000 && metrics.find("slow_reader\"} 1\n") == std::string::npos; ++attempt) {
      Wire wire = Wire::tcp(running.port);
      wire.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
      metrics = wire.read_response();
    }
    CHECK(metrics.find("slow_reader\"} 1\n") != std::string::npos);
  }

  TEST_CASE("a stream that its client leaves gives its place free") {
    ServerLimits limits;
    limits.connections_max = 1;
    RunningServer running(limits);
    {
      Wire wire = Wire::tcp(running.port);
      wire.send(ask_for_events("/api/v1/events"));
      REQUIRE(wire.read_until("live events"));
    }

    unsigned status = 0;
    for (int attempt = 0; attempt < 2000 && status == 0; ++attempt) {
      Wire wire = Wire::tcp(running.port);
      wire.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
      status = status_of(wire.read_response());
    }
    CHECK(status == 200);
  }

  TEST_CASE("closing the server ends streams") {
    RunningServer running;
    Wire wire = Wire::tcp(running.port);
    wire.send(ask_for_events("/api/v1/events"));
    REQUIRE(wire.read_until("live events"));

    running.on_thread([&] { running.server().close(); });
    happen(running, "late");

    CHECK(wire.read_all().find("late") == std::string::npos);
  }
}

}  // namespace tandem::admin
