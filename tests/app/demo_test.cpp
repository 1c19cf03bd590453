#include "app/demo/demo.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>

#include "app/demo/child.hpp"
#include "app/demo/client.hpp"
#include "app/demo/database.hpp"
#include "app/demo/ledger.hpp"
#include "app/demo/stage.hpp"
#include "app/demo/story.hpp"
#include "app/demo/tally.hpp"

namespace tandem::app::demo {

using namespace std::chrono_literals;

namespace {

Record write_at(Duration finished, std::uint32_t timeline = 1) {
  Record record;
  record.kind = RequestKind::write;
  record.good = true;
  record.by_primary = true;
  record.timeline = timeline;
  record.started = finished - 1ms;
  record.finished = finished;
  return record;
}

/// Asks until somebody listens, a few seconds at most.
Record request_soon(RequestKind kind, const Endpoint& where) {
  Record record;
  for (int turn = 0; turn < 500 && !record.good; ++turn) {
    record = request(kind, where);
    std::this_thread::sleep_for(10ms);
  }
  return record;
}

}  // namespace

TEST_SUITE("app/demo") {
  TEST_CASE("a database answers data and role by what the ledger says") {
    Ledger ledger;
    Database database;
    database.index = 1;
    database.name = "db-2";

    CHECK(answer_rest(database, ledger).starts_with("HTTP/1.1 503 "));
    CHECK(answer_rest(database, ledger).find(R"("role": "replica")") != std::string::npos);
    CHECK_FALSE(read_answer(RequestKind::write, answer_data(database, ledger, "POST / HTTP/1.1\r\n\r\n")).good);
    CHECK(read_answer(RequestKind::read, answer_data(database, ledger, "GET / HTTP/1.1\r\n\r\n")).good);

    ledger.leader = 1;
    ledger.timeline = 7;
    const Record record = read_answer(RequestKind::write, answer_data(database, ledger, "POST / HTTP/1.1\r\n\r\n"));
    CHECK(record.good);
    CHECK(record.by_primary);
    CHECK(record.timeline == 7);
    CHECK(ledger.position == 1);
    CHECK(answer_rest(database, ledger).starts_with("HTTP/1.1 200 "));
    CHECK(answer_rest(database, ledger).find(R"("timeline": 7)") != std::string::npos);
  }

  TEST_CASE("answers that are not ours are failures") {
    for (const char* answer : {"", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\ndb-1", "HTTP/1.1 500 No\r\n\r\n",
                               "HTTP/1.1 200 OK\r\n\r\ndb-1 primary x", "db-1 primary 1 1"}) {
      CAPTURE(answer);
      CHECK_FALSE(read_answer(RequestKind::read, answer).good);
    }
    CHECK_FALSE(read_answer(RequestKind::write, "HTTP/1.1 200 OK\r\n\r\ndb-1 replica 1 1\n").good);
  }

  TEST_CASE("the tally measures how long no write came through") {
    Tally tally;
    tally.on_record(write_at(1s));
    tally.on_killed("db-1", 1010ms);
    tally.on_record(write_at(1005ms));  // was under way
    tally.on_promoted("db-2", 2010ms);
    CHECK(tally.write_awaited());
    tally.on_record(write_at(2105ms, 2));
    tally.on_record(write_at(2200ms, 2));

    REQUIRE(tally.failovers().size() == 1);
    CHECK(tally.failovers()[0].write_outage() == 1100ms);
    CHECK(tally.failovers()[0].noticed_after() == 95ms);
    CHECK_FALSE(tally.write_awaited());
    CHECK_FALSE(tally.anything_failed());
    CHECK(tally.report().find("db-1 killed, db-2 promoted itself 1s later: no write for 1.1s") != std::string::npos);
  }

  TEST_CASE("a write on an older timeline than one before is a failure") {
    Tally tally;
    tally.on_record(write_at(1s, 2));
    tally.on_record(write_at(2s, 1));

    CHECK(tally.of(RequestKind::write).good == 1);
    CHECK(tally.of(RequestKind::write).failed == 1);
  }

  TEST_CASE("of the log only changes of primaries and pools are told") {
    CHECK(worth_telling("2026-01-31T12:00:00.000Z info  primary_changed cluster=demo backend=db-2") ==
          "primary_changed cluster=demo backend=db-2");
    CHECK(worth_telling("2026-01-31T12:00:00.000Z info  session client=127.0.0.1:1").empty());
  }

  TEST_CASE("a killed database answers no more and a new one takes its place") {
    auto stage = Stage::choose();
    REQUIRE(stage.has_value());
    auto ledger = SharedLedger::create();
    REQUIRE(ledger.has_value());
    const Database& database = stage->databases[0];
    auto child = Child::fork([&] { serve(database, **ledger); });
    REQUIRE(child.has_value());

    CHECK(request_soon(RequestKind::write, database.data).good);
    CHECK(request(RequestKind::read, database.data).good);
    child->kill();
    CHECK_FALSE(child->running());
    const Record refused = request(RequestKind::read, database.data);
    CHECK_FALSE(refused.good);
    CHECK(refused.sent_again == 1);

    child = Child::fork([&] { serve(database, **ledger); });
    REQUIRE(child.has_value());
    CHECK(request_soon(RequestKind::write, database.data).good);
    CHECK((*ledger)->position == 2);
  }
}

}  // namespace tandem::app::demo
