#include "admin/server.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "tests/admin/running_server.hpp"
#include "tests/admin/wire.hpp"

namespace tandem::admin {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kHost = "Host: localhost\r\n";

std::string request(std::string_view line, std::string_view headers = "", std::string_view body = "") {
  std::string out = std::string(line) + " HTTP/1.1\r\n" + std::string(kHost) + std::string(headers);
  if (!body.empty()) {
    out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return out + "\r\n" + std::string(body);
}

std::string answer_to(Wire& wire, std::string_view text) {
  wire.send(text);
  return wire.read_response();
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string token_file(const Folder& folder) {
  const std::string path = folder / "token";
  std::ofstream(path) << "s3cret\n";
  std::filesystem::permissions(path, std::filesystem::perms::owner_read);
  return path;
}

}  // namespace

TEST_SUITE("admin/server") {
  TEST_CASE("TCP and the unix socket answer the same") {
    RunningServer running;
    Wire tcp = Wire::tcp(running.port);
    Wire local = Wire::unix_socket(running.options.socket);

    for (Wire* wire : {&tcp, &local}) {
      const std::string status = answer_to(*wire, request("GET /api/v1/status"));
      CHECK(status_of(status) == 200);
      CHECK(contains(status, "Content-Type: application/json\r\n"));
      CHECK(contains(status, "Cache-Control: no-store\r\n"));
      CHECK(contains(status, "\"name\": \"lb-a\""));
      const std::string page = answer_to(*wire, request("GET /"));
      CHECK(status_of(page) == 200);
      CHECK(contains(page, "Content-Type: text/plain; charset=utf-8\r\n"));
      CHECK(contains(page, "Tandem 0.1.0 on lb-a: ready"));
      CHECK(status_of(answer_to(*wire, request("GET /nothing"))) == 404);
    }
  }

  TEST_CASE("metrics come in the format that is asked for with the server's own among them") {
    RunningServer running;
    Wire wire = Wire::tcp(running.port);

    const std::string text = answer_to(wire, request("GET /metrics"));
    CHECK(contains(text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    CHECK(contains(text, "\ntandem_pool_connections_total{pool=\"orders-write\"} 7\n"));
    CHECK(contains(text, "\ntandem_admin_rejected_total{reason=\"connections\"} 0\n"));
    CHECK(contains(text, "\nprocess_open_fds "));

    const std::string open = answer_to(wire, request("GET /metrics", "Accept: application/openmetrics-text\r\n"));
    CHECK(contains(open, "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
    CHECK(contains(open, "# TYPE tandem_pool_connections counter\n"));
    CHECK(open.ends_with("# EOF\n"));
  }

  TEST_CASE("health and readiness are 200 or 503 with reasons") {
    RunningServer running;
    Wire wire = Wire::tcp(running.port);

    CHECK(answer_to(wire, request("GET /healthz")).ends_with("\r\n\r\nok\n"));
    CHECK(answer_to(wire, request("GET /readyz")).ends_with("\r\n\r\nready\n"));

    running.on_thread([&] {
      running.control.readiness_now.ready = false;
      running.control.readiness_now.reasons = {"cluster orders: no verdict yet"};
    });
    const std::string response = answer_to(wire, request("GET /readyz"));
    CHECK(status_of(response) == 503);
    CHECK(response.ends_with("\r\n\r\nnot ready\ncluster orders: no verdict yet\n"));
    CHECK(status_of(answer_to(wire, request("GET /healthz"))) == 200);
  }

  TEST_CASE("HEAD answers like GET without the body") {
    RunningServer running;
    Wire wire = Wire::tcp(running.port);

    wire.send(request("HEAD /healthz") + request("GET /healthz"));

    REQUIRE(wire.read_until("\r\n\r\nok\n"));
    CHECK(status_of(wire.received) == 200);
    CHECK(contains(wire.received.substr(0, wire.received.find("\r\n\r\n")), "Content-Length: 3"));
    CHECK(contains(wire.received, "\r\n\r\nHTTP/1.1 200"));
  }

  TEST_CASE("pipelined requests are answered in order") {
    RunningServer running;
    Wire wire = Wire::tcp(running.port);
    std::string text;
    for (int count = 0; count < 50; ++count) {
      text += request("GET /healthz") + request("GET /nothing");
    }

    wire.send(text);

    for (int count = 0; count < 50; ++count) {
      REQUIRE(status_of(wire.read_response()) == 200);
      REQUIRE(status_of(wire.read_response()) == 404);
    }
  }

  TEST_CASE("HTTP 1.0 is answered and closed") {
    RunningServer running;
    Wire wire = Wire::tcp(running.port);

    wire.send("GET /healthz HTTP/1.0\r\n\r\n");

    const std::string response = wire.read_all();
    CHECK(response.starts_with("HTTP/1.0 200 OK\r\n"));
    CHECK(response.ends_with("ok\n"));
  }

  TEST_CASE("commands over the unix socket say who gave them") {
    RunningServer running;
    Wire wire = Wire::unix_socket(running.options.socket);

    const std::string drained = answer_to(wire, request("POST /api/v1/clusters/orders/backends/pg-1/drain", "",
                                                        R"({"for": "10m", "reason": "upgrade"})"));
    CHECK(status_of(drained) == 200);
    CHECK(contains(drained, "\"orders/pg-1: drain\""));
    CHECK(status_of(answer_to(wire, request("POST /api/v1/clusters/orders/backends/pg-1/ready"))) == 200);
    CHECK(status_of(answer_to(wire, request("POST /api/v1/clusters/orders/backends/pg-0/promote"))) == 200);

    running.on_thread([&] {
      REQUIRE(running.control.orders.size() == 3);
      const std::string& first = running.control.orders[0];
      CHECK(first.starts_with("drain orders/pg-1 by "));
      CHECK(first.ends_with(": upgrade"));
      CHECK_FALSE(contains(first, "by :"));
      CHECK(running.control.orders[1].starts_with("ready orders/pg-1 by "));
      CHECK_FALSE(running.control.last_lasts);
    });
  }

  TEST_CASE("commands that cannot be done have a status and a reason") {
    RunningServer running;
    Wire wire = Wire::unix_socket(running.options.socket);

    const std::string unknown = answer_to(wire, request("POST /api/v1/clusters/orders/backends/mysql/drain"));
    CHECK(status_of(unknown) == 404);
    CHECK(unknown.ends_with("{\"error\":\"there is no backend orders/mysql\"}\n"));
    CHECK(status_of(answer_to(wire, request("POST /api/v1/clusters/orders/backends/pg-1/promote"))) == 409);
    CHECK(status_of(answer_to(wire, request("POST /api/v1/clusters/orders/backends/pg-1/drain", "", "{\"for\":1}"))) ==
          400);
    const std::string method = answer_to(wire, request("DELETE /api/v1/clusters/orders/backends/pg-1/drain"));
    CHECK(status_of(method) == 405);
    CHECK(contains(method, "Allow: POST\r\n"));
  }

  TEST_CASE("commands over TCP need the token") {
    const Folder folder;
    RunningServer running({}, token_file(folder));
    Wire wire = Wire::tcp(running.port);

    const std::string asked = answer_to(wire, request("POST /api/v1/reload"));
    CHECK(status_of(asked) == 401);
    CHECK(contains(asked, "WWW-Authenticate: Bearer realm=\"tandem\"\r\n"));
    CHECK(status_of(answer_to(wire, request("POST /api/v1/reload", "Authorization: Bearer guess\r\n"))) == 403);
    CHECK(status_of(answer_to(wire, request("POST /api/v1/reload", "Authorization: Bearer s3cret\r\n"))) == 200);
    running.on_thread([&] { CHECK(running.control.reloaded_by == "token from 127.0.0.1"); });
    CHECK(status_of(answer_to(wire, request("GET /metrics"))) == 200);
  }

  TEST_CASE("a page of a stranger cannot read through a rebound name") {
    RunningServer running;
    Wire wire = Wire::tcp(running.port);

    wire.send("GET /api/v1/status HTTP/1.1\r\nHost: evil.example:8404\r\n\r\n");

    const std::string response = wire.read_response();
    CHECK(status_of(response) == 403);
    CHECK(contains(response, "evil.example"));
    CHECK_FALSE(contains(response, "pg-0"));
  }

  TEST_CASE("a reload may answer later") {
    RunningServer running;
    running.on_thread([&] { running.control.hold_reload = true; });
    Wire wire = Wire::unix_socket(running.options.socket);
    Wire other = Wire::unix_socket(running.options.socket);

    wire.send(request("POST /api/v1/reload"));
    while (!running.on_thread([&] { return static_cast<bool>(running.control.held_reload); })) {
      std::this_thread::yield();
    }
    CHECK(status_of(answer_to(other, request("GET /healthz"))) == 200);
    running.on_thread([&] {
      running.control.held_reload(Answer::refused(Outcome::conflict, "tandem.toml:3:1: error: unknown key"));
    });

    const std::string response = wire.read_response();
    CHECK(status_of(response) == 409);
    CHECK(contains(response, "tandem.toml:3:1: error: unknown key"));
  }

  TEST_CASE("a reload may answer when nobody is there any more") {
    std::function<void(Answer)> late;
    {
      RunningServer running;
      running.on_thread([&] { running.control.hold_reload = true; });
      Wire wire = Wire::unix_socket(running.options.socket);
      wire.send(request("POST /api/v1/reload"));
      while (!running.on_thread([&] { return static_cast<bool>(running.control.held_reload); })) {
        std::this_thread::yield();
      }
      running.on_thread([&] {
        running.server().close();
        running.control.held_reload(Answer::done({}));
        late = running.control.held_reload;
      });
      CHECK(wire.read_all().empty());
    }
    late(Answer::done({}));
  }

  TEST_CASE("more connections than allowed are closed and counted") {
    ServerLimits limits;
    limits.connections_max = 3;
    RunningServer running(limits);
    std::vector<Wire> wires;
    for (int count = 0; count < 3; ++count) {
      wires.push_back(Wire::tcp(running.port));
      REQUIRE(status_of(answer_to(wires.back(), request("GET /healthz"))) == 200);
    }

    Wire excess = Wire::tcp(running.port);
    CHECK(excess.read_all().empty());
    Wire local = Wire::unix_socket(running.options.socket);
    CHECK(
        contains(answer_to(local, request("GET /metrics")), "tandem_admin_rejected_total{reason=\"connections\"} 1\n"));

    wires.pop_back();
    std::string answer;
    for (int attempt = 0; attempt < 1000 && answer.empty(); ++attempt) {
      Wire again = Wire::tcp(running.port);
      again.send(request("GET /healthz"));
      answer = again.read_response();
    }
    CHECK(status_of(answer) == 200);
  }

  TEST_CASE("closing ends every connection and removes the socket") {
    RunningServer running;
    Wire tcp = Wire::tcp(running.port);
    Wire local = Wire::unix_socket(running.options.socket);
    REQUIRE(status_of(answer_to(tcp, request("GET /healthz"))) == 200);
    REQUIRE(status_of(answer_to(local, request("GET /healthz"))) == 200);

    running.on_thread([&] { running.server().close(); });

    CHECK(tcp.read_all().empty());
    CHECK(local.read_all().empty());
    CHECK_FALSE(std::filesystem::exists(running.options.socket));
    CHECK_THROWS(Wire::tcp(running.port));
  }

  TEST_CASE("opening again takes other options by difference") {
    const Folder folder;
    RunningServer running;
    Wire before = Wire::tcp(running.port);
    REQUIRE(status_of(answer_to(before, request("GET /healthz"))) == 200);
    const std::uint16_t port = running.port;
    AdminOptions options = running.options;

    options.token_file = token_file(folder);
    options.socket = folder / "other.sock";
    CHECK(running.on_thread([&] { return running.server().open(options).has_value(); }));
    CHECK(running.on_thread([&] { return running.server().listening()->port; }) == port);
    CHECK(status_of(answer_to(before, request("POST /api/v1/reload", "Authorization: Bearer s3cret\r\n"))) == 200);
    CHECK_FALSE(std::filesystem::exists(running.options.socket));
    Wire local = Wire::unix_socket(options.socket);
    CHECK(status_of(answer_to(local, request("GET /healthz"))) == 200);

    options.listen.reset();
    CHECK(running.on_thread([&] { return running.server().open(options).has_value(); }));
    CHECK_THROWS(Wire::tcp(port));
    CHECK(status_of(answer_to(before, request("GET /healthz"))) == 200);
  }

  TEST_CASE("an error of opening changes nothing") {
    RunningServer running;
    AdminOptions options = running.options;
    options.token_file = running.folder / "missing";
    const auto error = [&] { return running.on_thread([&] { return running.server().open(options).error().text; }); };

    CHECK(contains(error(), "token_file"));
    options.token_file.clear();
    options.listen = Endpoint{*IpAddress::parse("0.0.0.0"), 0};
    CHECK(contains(error(), "token_file is needed"));
    options.listen = Endpoint{*IpAddress::parse("192.0.2.1"), 1};
    options.token_file = token_file(running.folder);
    CHECK(contains(error(), "admin listen 192.0.2.1:1: "));

    Wire wire = Wire::tcp(running.port);
    CHECK(status_of(answer_to(wire, request("GET /healthz"))) == 200);
    Wire local = Wire::unix_socket(running.options.socket);
    CHECK(status_of(answer_to(local, request("GET /healthz"))) == 200);
  }

  TEST_CASE("the same port on another address moves the listener") {
    const Folder folder;
    RunningServer running;
    AdminOptions options = running.options;
    options.listen = Endpoint{*IpAddress::parse("127.0.0.1"), running.port};
    REQUIRE(running.on_thread([&] { return running.server().open(options).has_value(); }));

    options.token_file = token_file(folder);
    options.listen = Endpoint{*IpAddress::parse("0.0.0.0"), running.port};
    const auto moved = running.on_thread([&] { return running.server().open(options); });

    CHECK(moved.has_value());
    Wire wire = Wire::tcp(running.port);
    CHECK(status_of(answer_to(wire, request("GET /healthz"))) == 200);
  }
}

}  // namespace tandem::admin
