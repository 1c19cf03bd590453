#include "base/time.hpp"

#include <doctest/doctest.h>

namespace tandem {

using namespace std::chrono_literals;

TEST_SUITE("base/time") {
  TEST_CASE("a duration is a number and a unit") {
    CHECK(*parse_duration("500ms") == 500ms);
    CHECK(*parse_duration("2s") == 2s);
    CHECK(*parse_duration("1.5s") == 1500ms);
    CHECK(*parse_duration("0.25h") == 15min);
    CHECK(*parse_duration("7d") == 168h);
    CHECK(*parse_duration("9007199254740993ns") == Duration{9007199254740993});
    CHECK(*parse_duration("0s") == 0s);
  }

  TEST_CASE("what is wrong with a duration is said") {
    CHECK(parse_duration("5").error().text == "\"5\" has no unit; write \"5s\" for seconds or \"5ms\"");
    CHECK(parse_duration("5 s").error().text == "\"5 s\" has the unknown unit \" s\"; there are: ns us ms s m h d");
    CHECK(parse_duration("5sec").error().text == "\"5sec\" has the unknown unit \"sec\"; there are: ns us ms s m h d");
    CHECK(parse_duration("").has_error());
    CHECK(parse_duration("-1s").has_error());
    CHECK(parse_duration("1.s").has_error());
    CHECK(parse_duration(".5s").has_error());
    CHECK(parse_duration("1.2.3s").has_error());
    CHECK(parse_duration("99999999999999999999d").error().text == "\"99999999999999999999d\" is too long a duration");
    CHECK(parse_duration("300000d").has_error());
  }

  TEST_CASE("a duration is written back exactly with one unit") {
    CHECK(to_string(Duration{0}) == "0s");
    CHECK(to_string(Duration{1500ms}) == "1.5s");
    CHECK(to_string(Duration{250ms}) == "250ms");
    CHECK(to_string(Duration{5min}) == "5m");
    CHECK(to_string(Duration{90s}) == "90s");
    CHECK(to_string(Duration{1234567}) == "1234567ns");
  }

  TEST_CASE("a duration for people keeps about three digits") {
    CHECK(rounded(Duration{12'345'678}) == "12.3ms");
    CHECK(rounded(Duration{3'214'000'000}) == "3.21s");
    CHECK(rounded(312s) == "5m 12s");
    CHECK(rounded(3h + 20min) == "3h 20m");
    CHECK(rounded(49h) == "2d 1h");
    CHECK(rounded(Duration{0}) == "0s");
  }

  TEST_CASE("a time of day is RFC 3339 in UTC") {
    CHECK(to_string(WallTime{Duration{1'767'225'600'123'000'000}}) == "2026-01-01T00:00:00.123Z");
  }
}

}  // namespace tandem
