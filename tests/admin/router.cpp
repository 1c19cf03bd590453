#include "admin/router.hpp"

#include <doctest/doctest.h>

#include <chrono>

namespace tandem::admin {

namespace {

using namespace std::chrono_literals;

const Access kWithToken{"s3cret", {"lb-a"}};
const Access kWithoutToken{"", {"lb-a"}};

Request get(std::string target) {
  Request request;
  request.method = "GET";
  request.target = std::move(target);
  request.hosts = {"localhost:8404"};
  return request;
}

Request post(std::string target) {
  Request request = get(std::move(target));
  request.method = "POST";
  return request;
}

Request with_token(Request request, const std::string& token) {
  request.authorization = "Bearer " + token;
  return request;
}

Peer unix_peer() { return Peer{}; }

Peer tcp_peer(std::string_view address) {
  Peer peer;
  peer.kind = Peer::Kind::tcp;
  peer.address = *IpAddress::parse(address);
  return peer;
}

/// 0: it was let through.
unsigned status_of(const std::variant<Call, Reply>& routed) {
  const auto* reply = std::get_if<Reply>(&routed);
  return reply == nullptr ? 0 : reply->status;
}

std::string header_of(const std::variant<Call, Reply>& routed, std::string_view name) {
  for (const auto& [key, value] : std::get<Reply>(routed).headers) {
    if (key == name) {
      return value;
    }
  }
  return "";
}

}  // namespace

TEST_SUITE("admin/router") {
  TEST_CASE("every path of the contract leads somewhere") {
    struct Case {
      Request request;
      Action action;
    };
    const Case cases[] = {
        {get("/"), Action::page},
        {get("/metrics"), Action::metrics},
        {get("/healthz"), Action::healthz},
        {get("/readyz"), Action::readyz},
        {get("/api/v1/status"), Action::status},
        {get("/api/v1/events"), Action::events},
        {get("/api/v1/events?since=7"), Action::events},
        {post("/api/v1/clusters/orders/backends/pg-0/drain"), Action::drain},
        {post("/api/v1/clusters/orders/backends/pg-0/ready"), Action::ready},
        {post("/api/v1/clusters/orders/backends/pg-0/promote"), Action::promote},
        {post("/api/v1/vrrp/front/handover"), Action::handover},
        {post("/api/v1/reload"), Action::reload},
    };
    for (const Case& one : cases) {
      CAPTURE(one.request.target);
      const auto routed = route(one.request, unix_peer(), kWithoutToken);
      REQUIRE(std::holds_alternative<Call>(routed));
      CHECK((std::get<Call>(routed).action == one.action));
    }
  }

  TEST_CASE("names in a path are decoded") {
    const auto routed =
        route(post("/api/v1/clusters/a%2Fb/backends/caf%C3%A9%20one/drain"), unix_peer(), kWithoutToken);

    REQUIRE(std::holds_alternative<Call>(routed));
    CHECK(std::get<Call>(routed).cluster == "a/b");
    CHECK(std::get<Call>(routed).backend == "caf\xC3\xA9 one");
    const auto handover = route(post("/api/v1/vrrp/a%20b/handover"), unix_peer(), kWithoutToken);
    REQUIRE(std::holds_alternative<Call>(handover));
    CHECK(std::get<Call>(handover).instance == "a b");
  }

  TEST_CASE("what is nowhere is 404") {
    for (const char* target : {"/nothing", "/metrics/", "/api/v1", "/api/v1/status/x", "/api/v2/status", "//metrics",
                               "/api/v1/clusters/orders/backends/pg-0", "/api/v1/clusters/orders/backends/pg-0/delete",
                               "/api/v1/clusters/orders/backends/pg-0/drain/", "/../metrics", "/api/v1/vrrp",
                               "/api/v1/vrrp/front", "/api/v1/vrrp/front/takeover", "/api/v1/vrrp/front/handover/x"}) {
      CAPTURE(target);
      CHECK(status_of(route(get(target), unix_peer(), kWithoutToken)) == 404);
    }
  }

  TEST_CASE("a wrong method is 405 and says which is right") {
    Request request = get("/metrics");
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"}) {
      request.method = method;
      const auto routed = route(request, unix_peer(), kWithoutToken);
      CHECK(status_of(routed) == 405);
      CHECK(header_of(routed, "Allow") == "GET, HEAD");
    }

    const auto routed = route(get("/api/v1/reload"), unix_peer(), kWithoutToken);

    CHECK(status_of(routed) == 405);
    CHECK(header_of(routed, "Allow") == "POST");
  }

  TEST_CASE("a malformed target is 400") {
    for (const char* target : {"", "metrics", "*", "/%", "/%4", "/%zz", "/metrics?a=%g0", "http:///x", "?x"}) {
      CAPTURE(target);
      CHECK(status_of(route(get(target), unix_peer(), kWithoutToken)) == 400);
    }
  }

  TEST_CASE("reading needs no token on loopback and the unix socket") {
    CHECK(status_of(route(get("/metrics"), unix_peer(), kWithToken)) == 0);
    for (const char* address : {"127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"}) {
      CAPTURE(address);
      CHECK(status_of(route(get("/metrics"), tcp_peer(address), kWithToken)) == 0);
      CHECK(status_of(route(get("/metrics"), tcp_peer(address), kWithoutToken)) == 0);
    }
  }

  TEST_CASE("reading from elsewhere needs the token") {
    for (const char* address : {"192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7"}) {
      CAPTURE(address);
      const Peer peer = tcp_peer(address);
      CHECK(status_of(route(get("/metrics"), peer, kWithoutToken)) == 403);
      const auto asked = route(get("/metrics"), peer, kWithToken);
      CHECK(status_of(asked) == 401);
      CHECK(header_of(asked, "WWW-Authenticate").starts_with("Bearer"));
      CHECK(status_of(route(with_token(get("/metrics"), "guess"), peer, kWithToken)) == 403);
      CHECK(status_of(route(with_token(get("/metrics"), "s3cret"), peer, kWithToken)) == 0);
      CHECK(status_of(route(get("/nothing"), peer, kWithToken)) == 401);
    }
  }

  TEST_CASE("a command over TCP needs the token even on loopback") {
    const Request command = post("/api/v1/reload");
    const Peer peer = tcp_peer("127.0.0.1");

    CHECK(status_of(route(command, unix_peer(), kWithoutToken)) == 0);
    CHECK(status_of(route(command, peer, kWithoutToken)) == 403);
    CHECK(status_of(route(command, peer, kWithToken)) == 401);
    CHECK(status_of(route(with_token(command, "s3cre"), peer, kWithToken)) == 403);
    CHECK(status_of(route(with_token(command, "s3crets"), peer, kWithToken)) == 403);
    CHECK(status_of(route(with_token(command, ""), peer, kWithoutToken)) == 403);
    CHECK(status_of(route(with_token(command, "s3cret"), peer, kWithToken)) == 0);
  }

  TEST_CASE("a handover is a command") {
    const Request command = post("/api/v1/vrrp/front/handover");

    CHECK(is_command(Action::handover));
    CHECK(status_of(route(command, tcp_peer("127.0.0.1"), kWithToken)) == 401);
    CHECK(status_of(route(get("/api/v1/vrrp/front/handover"), unix_peer(), kWithoutToken)) == 405);
  }

  TEST_CASE("another scheme of authorization is 401") {
    Request command = post("/api/v1/reload");
    command.authorization = "Basic czNjcmV0";

    CHECK(status_of(route(command, tcp_peer("127.0.0.1"), kWithToken)) == 401);
  }

  TEST_CASE("the scheme of authorization is known in any case") {
    Request command = post("/api/v1/reload");
    command.authorization = "bEaReR  s3cret ";

    CHECK(status_of(route(command, tcp_peer("127.0.0.1"), kWithToken)) == 0);
  }

  TEST_CASE("a strange host is refused over TCP and nowhere else") {
    struct Case {
      const char* host;
      unsigned status;
    };
    const Case cases[] = {{"localhost", 0},
                          {"LOCALHOST:8404", 0},
                          {"localhost.", 0},
                          {"127.0.0.1:8404", 0},
                          {"192.0.2.9", 0},
                          {"[::1]:8404", 0},
                          {"[2001:db8::1]", 0},
                          {"lb-a:8404", 0},
                          {"LB-A", 0},
                          {"evil.example", 403},
                          {"evil.example:8404", 403},
                          {"localhost.evil.example", 403},
                          {"127.0.0.1.evil.example", 403},
                          {"lb-a.evil.example", 403},
                          {"[::1", 403},
                          {"[evil.example]", 403},
                          {"localhost:http", 403},
                          {"localhost@evil.example", 403},
                          {"", 403}};
    for (const Case& one : cases) {
      CAPTURE(one.host);
      Request request = get("/metrics");
      request.hosts = {one.host};
      CHECK(status_of(route(request, tcp_peer("127.0.0.1"), kWithoutToken)) == one.status);
      CHECK(status_of(route(request, unix_peer(), kWithoutToken)) == 0);
    }
  }

  TEST_CASE("the host of an absolute target is checked like the header") {
    CHECK(status_of(route(get("http://localhost:8404/metrics"), tcp_peer("127.0.0.1"), kWithoutToken)) == 0);
    CHECK(status_of(route(get("http://evil.example/metrics"), tcp_peer("127.0.0.1"), kWithoutToken)) == 403);
  }

  TEST_CASE("no host and two hosts are malformed") {
    Request request = get("/metrics");
    request.hosts.clear();
    CHECK(status_of(route(request, tcp_peer("127.0.0.1"), kWithoutToken)) == 400);
    request.host_required = false;
    CHECK(status_of(route(request, tcp_peer("127.0.0.1"), kWithoutToken)) == 0);
    request.hosts = {"localhost", "evil.example"};
    CHECK(status_of(route(request, tcp_peer("127.0.0.1"), kWithoutToken)) == 400);
  }

  TEST_CASE("status comes as text only for those who prefer it") {
    struct Case {
      const char* accept;
      Action action;
    };
    const Case cases[] = {{"", Action::status},
                          {"*/*", Action::status},
                          {"application/json", Action::status},
                          {"text/html,*/*;q=0.8", Action::status},
                          {"text/plain", Action::status_text},
                          {"text/plain, */*;q=0.1", Action::status_text},
                          {"application/json, text/plain;q=0.5", Action::status}};
    for (const Case& one : cases) {
      CAPTURE(one.accept);
      Request request = get("/api/v1/status?colour=always");
      request.accept = one.accept;
      const auto routed = route(request, unix_peer(), kWithoutToken);
      REQUIRE(std::holds_alternative<Call>(routed));
      CHECK((std::get<Call>(routed).action == one.action));
      CHECK((std::get<Call>(routed).colour == Colour::always));
    }
  }

  TEST_CASE("events are live when the client asks for a stream") {
    Request request = get("/api/v1/events?since=3");
    request.accept = "text/event-stream";

    auto routed = route(request, unix_peer(), kWithoutToken);
    REQUIRE(std::holds_alternative<Call>(routed));
    CHECK((std::get<Call>(routed).action == Action::live_events));
    CHECK(std::get<Call>(routed).since == 3);

    request.last_event_id = "9";
    routed = route(request, unix_peer(), kWithoutToken);
    CHECK(std::get<Call>(routed).since == 9);

    request.method = "HEAD";
    routed = route(request, unix_peer(), kWithoutToken);
    CHECK((std::get<Call>(routed).action == Action::events));
  }

  TEST_CASE("since must be a number") {
    for (const char* since : {"x", "-1", "1x", "99999999999999999999"}) {
      CHECK(status_of(route(get(std::string("/api/v1/events?since=") + since), unix_peer(), kWithoutToken)) == 400);
    }
  }

  TEST_CASE("a command takes its body") {
    Call call;
    call.action = Action::drain;

    REQUIRE(take_body(call, R"({"for": "10m", "reason": "kernel upgrade"})").has_value());

    CHECK((call.lasts == 10min));
    CHECK(call.reason == "kernel upgrade");
  }

  TEST_CASE("a body may be missing") {
    Call call;
    call.action = Action::drain;

    REQUIRE(take_body(call, " \n").has_value());

    CHECK_FALSE(call.lasts);
    CHECK(call.reason.empty());
  }

  TEST_CASE("only a drain has a duration") {
    Call call;
    call.action = Action::promote;

    const auto taken = take_body(call, R"({"for": "10m"})");

    REQUIRE_FALSE(taken.has_value());
    CHECK(taken.error().text == "\"for\" has a meaning only for drain");
  }
}

}  // namespace tandem::admin
