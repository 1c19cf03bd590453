#include "admin/json.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <iostream>
#include <string>

#include "admin/printable.hpp"
#include "tests/admin/sample_view.hpp"

namespace tandem::admin {

namespace {

using namespace std::chrono_literals;

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string order_error(std::string_view body) {
  const auto order = parse_order(body);
  return order ? "" : order.error().text;
}

}  // namespace

TEST_SUITE("admin/json") {
  TEST_CASE("status is written in a fixed order with seconds and RFC 3339 times") {
    const std::string text = status_json(sample_view());

    CHECK(
        text.starts_with("{\n"
                         "  \"time\": \"2026-01-31T12:00:00.000Z\",\n"
                         "  \"node\": {\n"
                         "    \"name\": \"lb-a\",\n"
                         "    \"version\": \"0.1.0\",\n"
                         "    \"revision\": \"abc1234\",\n"
                         "    \"uptime_seconds\": 11525.4,\n"
                         "    \"ready\": true,\n"
                         "    \"reasons\": [],\n"
                         "    \"workers\": 2\n"
                         "  },\n"));
    CHECK(contains(text, "\"probe_duration_seconds\": 0.0124,\n"));
    CHECK(contains(text, "\"fallback\": \"orders-write\",\n      \"fallback_active\": true,\n"));
    CHECK(contains(text, "\"lag_bytes\": 12000000,\n"));
    CHECK(contains(text, "\"lag_bytes\": null,\n"));
    CHECK(contains(text, "\"admin_state\": \"ready\",\n          \"override\": null,\n"));
    CHECK(contains(text,
                   "\"admin_state\": \"drain\",\n"
                   "          \"override\": {\n"
                   "            \"state\": \"drain\",\n"
                   "            \"who\": \"alice\",\n"
                   "            \"at\": \"2026-01-31T11:59:00.000Z\",\n"
                   "            \"until\": \"2026-01-31T12:09:00.000Z\",\n"
                   "            \"reason\": \"kernel upgrade\"\n"
                   "          },\n"));
    CHECK(text.ends_with("}\n"));
  }

  TEST_CASE("the status of a pair has its virtual routers and its link") {
    const std::string text = status_json(sample_pair());

    CHECK(contains(text,
                   "  \"vrrp\": [\n"
                   "    {\n"
                   "      \"name\": \"front\",\n"
                   "      \"interface\": \"eth0\",\n"
                   "      \"id\": 51,\n"
                   "      \"version\": 3,\n"
                   "      \"state\": \"active\",\n"
                   "      \"since\": \"2026-01-31T11:50:00.000Z\",\n"
                   "      \"leaving\": false,\n"
                   "      \"priority\": 150,\n"
                   "      \"priority_configured\": 150,\n"));
    CHECK(contains(text, "\"holds_addresses\": true,\n      \"sync_group\": null,\n      \"reasons\": [],\n"));
    CHECK(contains(text,
                   "\"active_router\": \"10.0.0.3\",\n      \"active_priority\": 150,\n"
                   "      \"heard_seconds_ago\": 0.03,\n      \"heard_nobody\": false,\n"
                   "      \"contested\": false\n"));
    CHECK(contains(text,
                   "  \"peer\": {\n"
                   "    \"address\": \"192.0.2.3:8405\",\n"
                   "    \"up\": true,\n"
                   "    \"node\": \"lb-b\",\n"
                   "    \"version\": \"0.1.0\",\n"
                   "    \"for_seconds\": 600.3,\n"
                   "    \"round_trip_seconds\": 0.00021,\n"
                   "    \"reason\": null\n"
                   "  },\n"));
    CHECK(contains(status_json(sample_view()), "  \"vrrp\": [],\n  \"peer\": null,\n"));
  }

  TEST_CASE("what a backend says cannot break the document") {
    View view = sample_view();
    view.clusters[0].backends[0].reason = "\"}\n\x1b[31m \xff\xfe \xc0\xaf \xed\xa0\x80 caf\xc3\xa9";

    const std::string text = status_json(view);

    CHECK(contains(text, "\"reason\": \"\\\"}\\n\\u001b[31m "));
    CHECK(contains(text, "caf\xc3\xa9\""));
    CHECK_FALSE(contains(text, "\xff"));
    CHECK_FALSE(contains(text, "\xc0\xaf"));
    CHECK(valid_utf8(text) == text);
  }

  TEST_CASE("events come newest first with typed fields") {
    const Event events[] = {
        {6, kNow, LogEvent{LogLevel::info, "backend_up", {{"backend", "orders/pg-0"}}}},
        {7, kNow + 5ms,
         LogEvent{LogLevel::warning, "fallback", {{"pool", "orders-read"}, {"sessions", 3}, {"ok", true}}}},
    };

    CHECK(events_json(events, 7) ==
          "{\n"
          "  \"newest\": 7,\n"
          "  \"events\": [\n"
          "    {\n"
          "      \"id\": 7,\n"
          "      \"time\": \"2026-01-31T12:00:00.005Z\",\n"
          "      \"level\": \"warning\",\n"
          "      \"event\": \"fallback\",\n"
          "      \"fields\": {\n"
          "        \"pool\": \"orders-read\",\n"
          "        \"sessions\": 3,\n"
          "        \"ok\": true\n"
          "      }\n"
          "    },\n"
          "    {\n"
          "      \"id\": 6,\n"
          "      \"time\": \"2026-01-31T12:00:00.000Z\",\n"
          "      \"level\": \"info\",\n"
          "      \"event\": \"backend_up\",\n"
          "      \"fields\": {\n"
          "        \"backend\": \"orders/pg-0\"\n"
          "      }\n"
          "    }\n"
          "  ]\n"
          "}\n");
    CHECK(
        event_json(events[0]) ==
        R"({"id":6,"time":"2026-01-31T12:00:00.000Z","level":"info","event":"backend_up","fields":{"backend":"orders/pg-0"}})");
  }

  TEST_CASE("an order's body is read strictly") {
    CHECK(order_error("{}") == "");
    CHECK(order_error(R"({"reason": "x"})") == "");
    CHECK(contains(order_error("{"), "the body is not JSON"));
    CHECK(contains(order_error("[]"), "must be a JSON object"));
    CHECK(contains(order_error("\"10m\""), "must be a JSON object"));
    CHECK(contains(order_error(R"({"for": 600})"), "must be a duration in quotes"));
    CHECK(contains(order_error(R"({"for": "10 parsecs"})"), "\"for\": "));
    CHECK(contains(order_error(R"({"for": "0s"})"), "\"for\": 0s must be more than 0s and at most 365d"));
    CHECK(contains(order_error(R"({"for": "-5s"})"), "\"for\": "));
    CHECK(contains(order_error(R"({"for": "366d"})"), "\"for\": 366d must be more than 0s and at most 365d"));
    CHECK(contains(order_error(R"({"reason": ["x"]})"), "must be a string"));
    CHECK(contains(order_error(R"({"reson": "x"})"), "unknown member \"reson\""));
    CHECK(contains(order_error(R"({"reason": ")" + std::string(1001, 'x') + "\"}"), "longer than 1000"));
    CHECK(contains(order_error(std::string(1000, '[')), "the body is not JSON"));
  }

  TEST_CASE("control characters of a reason become blanks") {
    const auto order = parse_order(R"({"reason": "a\u001b[2Jb\nc"})");

    REQUIRE(order.has_value());
    CHECK(order->reason == "a [2Jb c");
  }

  TEST_CASE("an order survives the way there") {
    OrderBody body;
    body.lasts = 90s;
    body.reason = "say \"hello\"";

    const auto read = parse_order(order_json(body));

    REQUIRE(read.has_value());
    CHECK((read->lasts == 90s));
    CHECK(read->reason == body.reason);
    CHECK(order_json({}) == "{}");
  }

  TEST_CASE("an answer says its error or its lines") {
    CHECK(message_of_json(error_json("no \"x\"")) == "no \"x\"");
    const std::string lines[] = {"one", "two"};
    CHECK(message_of_json(lines_json(lines)) == "one\ntwo");
    CHECK_FALSE(message_of_json("{}"));
    CHECK_FALSE(message_of_json("garbage"));
    CHECK_FALSE(message_of_json("[]"));
  }

  TEST_CASE("the status of 5000 backends is written in well under a second") {
    View view = sample_view();
    view.clusters[0].backends.resize(5000, view.clusters[0].backends[1]);

    const auto start = std::chrono::steady_clock::now();
    const std::string text = status_json(view);
    const auto took = std::chrono::steady_clock::now() - start;

    std::cout << "status of 5000 backends as JSON: " << text.size() / 1024 << " KiB in "
              << std::chrono::duration<double, std::milli>(took).count() << " ms\n";
    CHECK(took < 10s);
  }
}

TEST_SUITE("admin/printable") {
  TEST_CASE("what is not UTF-8 is replaced byte by byte") {
    CHECK(valid_utf8("a\xff"
                     "b") ==
          "a\xEF\xBF\xBD"
          "b");
    CHECK(valid_utf8("\xe2\x82") == "\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK(valid_utf8("\xe2\x82\xac \xf0\x9f\x98\x80") == "\xe2\x82\xac \xf0\x9f\x98\x80");
    CHECK(valid_utf8("\xf4\x90\x80\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  }

  TEST_CASE("control characters do not reach a terminal") {
    CHECK(printable("a\x1b[31mb\r\n\t\x7f") == "a [31mb    ");
    CHECK(printable("\xc2\x9b"
                    "31m") == " 31m");
    CHECK(columns("caf\xc3\xa9") == 4);
  }
}

}  // namespace tandem::admin
