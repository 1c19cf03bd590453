#include "app/demo/demo.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <string>

#include "app/demo/enclosure.hpp"
#include "app/demo/stage.hpp"
#include "app/demo/story.hpp"
#include "app/demo/tally.hpp"
#include "config/reader.hpp"

namespace tandem::app::demo {

using namespace std::chrono_literals;

namespace {

Record answered(RequestKind kind, Duration started, Duration finished, std::uint32_t timeline = 1) {
  Record record;
  record.kind = kind;
  record.outcome = Outcome::good;
  record.by_primary = kind == RequestKind::write;
  record.timeline = timeline;
  record.started = started;
  record.finished = finished;
  return record;
}

Record write_at(Duration finished, std::uint32_t timeline = 1) {
  return answered(RequestKind::write, finished - 1ms, finished, timeline);
}

Record read_at(Duration finished) { return answered(RequestKind::read, finished - 1ms, finished); }

Record failed(Duration started, Duration finished) {
  Record record;
  record.started = started;
  record.finished = finished;
  return record;
}

}  // namespace

TEST_SUITE("app/demo") {
  TEST_CASE("the tally measures how long nobody got an answer") {
    Tally tally;
    tally.on_record(write_at(1000ms));
    tally.on_record(read_at(1002ms));
    tally.begin("kill -9", Measured::everybody, 1003ms);
    tally.on_record(write_at(1004ms));  // was under way
    tally.on_record(read_at(1019ms));
    tally.on_record(write_at(1021ms));
    tally.end(1500ms);
    tally.on_record(write_at(2000ms));  // a pause of another cause

    REQUIRE(tally.incidents().size() == 1);
    CHECK(tally.incidents()[0].silence == 15ms);
    CHECK(tally.incidents()[0].answered);
    CHECK(cost_of(tally.incidents()[0]) == "15ms without an answer, 0 requests failed");
  }

  TEST_CASE("an incident that nobody was answered after is told as one") {
    Tally tally;
    tally.on_record(write_at(1000ms));
    tally.begin("power cut", Measured::everybody, 1010ms);
    tally.end(3000ms);

    CHECK_FALSE(tally.incidents()[0].answered);
    CHECK(cost_of(tally.incidents()[0]) == "2s without an answer and none since, 0 requests failed");
  }

  TEST_CASE("reads do not count for a killed primary") {
    Tally tally;
    tally.on_record(write_at(1000ms));
    tally.begin("db-1, the primary, killed", Measured::writes, 1010ms);
    tally.on_record(read_at(1500ms));
    tally.on_promoted(2000ms);
    tally.on_record(write_at(2045ms, 2));
    tally.end(2500ms);

    CHECK(tally.incidents()[0].silence == 1045ms);
    CHECK(cost_of(tally.incidents()[0]) == "1.04s without a write (45ms of it after the promotion), 0 requests failed");
  }

  TEST_CASE("a failed request is put down to the incident that it met") {
    Tally tally;
    tally.begin("first", Measured::everybody, 1000ms);
    tally.end(2000ms);
    tally.begin("second", Measured::everybody, 3000ms);
    tally.on_record(failed(2990ms, 3001ms));  // was under way
    tally.on_record(failed(1500ms, 3100ms));  // began in the first one and ended in the second
    tally.end(4000ms);
    tally.on_record(failed(3900ms, 9000ms));
    CHECK(tally.unexplained() == 0);

    tally.on_record(failed(4500ms, 4501ms));

    CHECK(tally.incidents()[0].failed == 0);
    CHECK(tally.incidents()[1].failed == 3);
    CHECK(tally.unexplained() == 1);
    CHECK(tally.of(RequestKind::write).failed == 4);
  }

  TEST_CASE("a write on an older timeline than one before is lost") {
    Tally tally;
    tally.on_record(write_at(1s, 2));
    tally.on_record(write_at(2s, 1));

    CHECK(tally.of(RequestKind::write).good == 1);
    CHECK(tally.of(RequestKind::write).failed == 1);
    CHECK(tally.stale_writes() == 1);
  }

  TEST_CASE("of the log only changes of addresses and primaries are told and the latter once") {
    const std::string primary = "2026-01-31T12:00:00.000Z info  primary_changed cluster=demo backend=db-2";
    const std::string address = "2026-01-31T12:00:00.000Z info  vrrp_transition instance=front to=active";
    CHECK(worth_telling(primary, Teller::active) == "primary_changed cluster=demo backend=db-2");
    CHECK(worth_telling(primary, Teller::standby).empty());
    CHECK(worth_telling(address, Teller::standby) == "vrrp_transition instance=front to=active");
    for (const char* line :
         {"2026-01-31T12:00:00.000Z info  session client=127.0.0.1:1", "", "one", "one two", "a b  "}) {
      CAPTURE(line);
      CHECK(worth_telling(line, Teller::active).empty());
    }
  }

  TEST_CASE("refused namespaces are explained by the setting that forbids them") {
    const std::string debian = explain_refusal(EPERM, {0, std::nullopt, 1000});
    const std::string ubuntu = explain_refusal(EPERM, {1, 1, 1000});
    const std::string none = explain_refusal(ENOSPC, {std::nullopt, std::nullopt, 0});
    const std::string limit = explain_refusal(ENOSPC, {std::nullopt, 0, 1000});
    const std::string container = explain_refusal(EPERM, {1, 0, 1000});

    CHECK(debian.find("sudo sysctl kernel.unprivileged_userns_clone=1") != std::string::npos);
    CHECK(ubuntu.find("sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0") != std::string::npos);
    CHECK(none.find("sudo sysctl user.max_user_namespaces=") != std::string::npos);
    CHECK(limit.find("a limit is reached") != std::string::npos);
    CHECK(container.find("container") != std::string::npos);
    for (const std::string& text : {debian, ubuntu, none, limit, container}) {
      CHECK(text.find("sudo") != std::string::npos);
    }
  }

  TEST_CASE("a story that cannot be told in time is wrong usage") {
    DemoOptions options;
    options.seconds = 5s;

    CHECK(run_demo(options) == 2);
  }
}

}  // namespace tandem::app::demo
