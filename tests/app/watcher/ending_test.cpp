#include "app/watcher/ending.hpp"

#include <doctest/doctest.h>

#include <csignal>

#include "app/watcher/restarts.hpp"

namespace tandem::app {

using namespace std::chrono_literals;

namespace {

constexpr int kExited0 = 0;
constexpr int kExited3 = 3 << 8;  // as waitpid(2) says it
constexpr int kKilled = SIGKILL;

Ending ending(int wait_status) {
  Ending out;
  out.wait_status = wait_status;
  out.had_started = true;
  return out;
}

}  // namespace

TEST_SUITE("app/watcher/ending") {
  TEST_CASE("a death while serving is followed by a new life") {
    CHECK(exit_status_after(ending(kKilled)) == std::nullopt);
    CHECK(exit_status_after(ending(kExited3)) == std::nullopt);
  }

  TEST_CASE("an end without an error is the end") { CHECK(exit_status_after(ending(kExited0)) == 0); }

  TEST_CASE("a first life that never served is the last one and gives its status") {
    Ending first = ending(kExited3);
    first.first_life = true;
    first.had_started = false;

    CHECK(exit_status_after(first) == 3);
    first.wait_status = kKilled;
    CHECK(exit_status_after(first) == 137);
  }

  TEST_CASE("a later life that never served is followed by another") {
    Ending later = ending(kExited3);
    later.had_started = false;

    CHECK(exit_status_after(later) == std::nullopt);
  }

  TEST_CASE("after the order to end nothing is started anew") {
    Ending told = ending(kKilled);
    told.told_to_end = true;

    CHECK(exit_status_after(told) == 137);
    told.wait_status = kExited3;
    CHECK(exit_status_after(told) == 3);
  }

  TEST_CASE("to die of the order to end before there is a handler for it is an orderly end") {
    Ending early = ending(SIGTERM);
    early.told_to_end = true;
    early.had_started = false;

    CHECK(exit_status_after(early) == 0);
  }

  TEST_CASE("a cause is named as people know it") {
    CHECK(cause_of(kKilled) == "SIGKILL");
    CHECK(cause_of(kExited3) == "status 3");
  }
}

TEST_SUITE("app/watcher/restarts") {
  TEST_CASE("the wait doubles up to the longest") {
    Restarts restarts({});

    CHECK(restarts.on_death(0s) == 100ms);
    CHECK(restarts.on_death(1s) == 200ms);
    for (const Duration wait : {400ms, 800ms, 1600ms, 3200ms, 6400ms, 10000ms, 10000ms}) {
      CHECK(restarts.on_death(1s) == wait);
    }
  }

  TEST_CASE("a life that served long makes the next wait short again") {
    Restarts restarts({});
    REQUIRE(restarts.on_death(1s) == 100ms);
    REQUIRE(restarts.on_death(59s) == 200ms);

    CHECK(restarts.on_death(60s) == 100ms);
    CHECK(restarts.on_death(1s) == 200ms);
  }
}

}  // namespace tandem::app
