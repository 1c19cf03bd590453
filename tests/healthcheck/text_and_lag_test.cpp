#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "healthcheck/lag.hpp"
#include "healthcheck/outside_text.hpp"

namespace tandem::healthcheck {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{std::chrono::hours(1)};

Verdict at(Role role, std::uint64_t epoch, std::uint64_t position) {
  Verdict verdict;
  verdict.reachable = true;
  verdict.role = role;
  verdict.epoch = epoch;
  verdict.position = position;
  verdict.reason = "role";
  return verdict;
}

std::uint64_t lag(WriteLog& log, std::uint64_t epoch, std::uint64_t position, Instant now = kStart) {
  Verdict verdict = at(Role::replica, epoch, position);
  log.on_verdict(verdict, now);
  REQUIRE(verdict.lag_bytes);
  return *verdict.lag_bytes;
}

void primary(WriteLog& log, std::uint64_t epoch, std::uint64_t position, Instant now = kStart) {
  Verdict verdict = at(Role::primary, epoch, position);
  log.on_verdict(verdict, now);
  CHECK_FALSE(verdict.lag_bytes);
}

TEST_SUITE("healthcheck/lag") {
  TEST_CASE("a replica lags by what the primary wrote and it has not replayed") {
    WriteLog log;
    primary(log, 4, 20'000'000);
    Verdict replica = at(Role::replica, 4, 8'000'000);

    log.on_verdict(replica, kStart);

    CHECK(replica.lag_bytes == 12'000'000U);
    CHECK(replica.reason == "role, lag 12 MB");
  }

  TEST_CASE("a replica that is ahead of the primary's last word does not lag and raises the mark") {
    WriteLog log;
    primary(log, 4, 1000);

    CHECK(lag(log, 4, 1500) == 0);
    CHECK(lag(log, 4, 1000) == 500);
  }

  TEST_CASE("lag goes on being measured while there is no primary") {
    WriteLog log;
    primary(log, 4, 1000);

    CHECK(lag(log, 4, 400, kStart + 10min) == 600);
  }

  TEST_CASE("a newer epoch is the measure even where its position is lower") {
    WriteLog log;
    primary(log, 4, 5000);
    primary(log, 5, 3000);

    CHECK(lag(log, 5, 2900) == 100);
    CHECK(lag(log, 4, 9000) == 0);
    CHECK(lag(log, 5, 2900) == 100);
  }

  TEST_CASE("a primary of an older epoch is believed once the newer one is forgotten") {
    WriteLog log;
    primary(log, 9, 5000);
    primary(log, 1, 100, kStart + 30s);
    CHECK(lag(log, 1, 90, kStart + 30s) == 4910);

    primary(log, 1, 100, kStart + 2min);

    CHECK(lag(log, 1, 90, kStart + 2min) == 10);
  }
}

TEST_SUITE("healthcheck/outside_text") {
  TEST_CASE("printable text stays as it is") {
    CHECK(outside_text("all is well, caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80") ==
          "all is well, caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
    CHECK(outside_text("").empty());
  }

  TEST_CASE("control characters and what is not UTF-8 become question marks") {
    CHECK(outside_text(std::string_view("a\0b\n\x1b[31m\x7f", 10)) == "a?b??[31m?");
    CHECK(outside_text("\xc2\x85") == "??");            // NEL, a control character of Unicode
    CHECK(outside_text("\xed\xa0\x80") == "???");       // a surrogate
    CHECK(outside_text("\xc0\xaf") == "??");            // too long a form
    CHECK(outside_text("\xf0\x9f\x98") == "???");       // cut short
    CHECK(outside_text("\xf4\x90\x80\x80") == "????");  // beyond Unicode
  }

  TEST_CASE("long text is cut between characters") {
    CHECK(outside_text("abcdef", 4) == "abcd...");
    CHECK(outside_text("abc\xc3\xa9xyz", 4) == "abc...");
    CHECK(outside_text("abcd", 4) == "abcd");
  }
}

}  // namespace
}  // namespace tandem::healthcheck
