#include "app/log_output.hpp"

#include <doctest/doctest.h>

namespace tandem::app {

namespace {

constexpr WallTime kWhen{Duration{1'767'225'600'123'000'000}};

}  // namespace

TEST_SUITE("app/log_output") {
  TEST_CASE("a line of text is time and level and event and its fields") {
    const LogEvent event{
        LogLevel::info, "session", {{"client", "192.0.2.7:4711"}, {"received", 42}, {"retried", false}}};

    CHECK(format_text(event, kWhen, LinePrefix::time) ==
          "2026-01-01T00:00:00.123Z info session client=192.0.2.7:4711 received=42 retried=false");
  }

  TEST_CASE("a line for the journal begins with its priority and leaves the time to it") {
    const LogEvent event{LogLevel::error, "reload_failed", {}};

    CHECK(format_text(event, kWhen, LinePrefix::syslog_priority) == "<3>reload_failed");
  }

  TEST_CASE("a value that could be mistaken for something else is quoted") {
    const LogEvent event{LogLevel::warning, "verdict", {{"reason", "a \"b\"=c\nd\x01"}, {"left", ""}}};

    CHECK(format_text(event, kWhen, LinePrefix::time) ==
          "2026-01-01T00:00:00.123Z warning verdict reason=\"a \\\"b\\\"=c\\nd\\x01\" left=\"\"");
  }

  TEST_CASE("a line of JSON keeps the types of its fields") {
    const LogEvent event{LogLevel::info, "session", {{"client", "a\"b"}, {"received", 42}, {"lost", true}}};

    CHECK(format_json(event, kWhen) == R"({"time":"2026-01-01T00:00:00.123Z","level":"info","event":"session",)"
                                       R"("client":"a\"b","received":42,"lost":true})");
  }
}

}  // namespace tandem::app
