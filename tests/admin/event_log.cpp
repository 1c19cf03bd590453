#include "admin/event_log.hpp"

#include <doctest/doctest.h>

#include "tests/admin/sample_view.hpp"

namespace tandem::admin {

namespace {

LogEvent named(std::string_view name) { return LogEvent{LogLevel::info, name, {}}; }

std::vector<std::uint64_t> ids(const std::vector<Event>& events) {
  std::vector<std::uint64_t> out;
  for (const Event& event : events) {
    out.push_back(event.id);
  }
  return out;
}

}  // namespace

TEST_SUITE("admin/event_log") {
  TEST_CASE("events are numbered from 1 and the oldest are forgotten") {
    EventLog log(3);
    CHECK(log.newest() == 0);
    for (int count = 0; count < 5; ++count) {
      log.append(kNow, named("tick"));
    }

    CHECK(log.newest() == 5);
    CHECK(ids(log.since(0)) == std::vector<std::uint64_t>{3, 4, 5});
    CHECK(ids(log.since(4)) == std::vector<std::uint64_t>{5});
    CHECK(log.since(5).empty());
  }

  TEST_CASE("an id of another run gets everything") {
    EventLog log(3);
    log.append(kNow, named("start"));

    CHECK(ids(log.since(900)) == std::vector<std::uint64_t>{1});
  }

  TEST_CASE("a subscriber hears of new events as long as it wants to") {
    EventLog log(3);
    std::vector<std::uint64_t> heard;
    log.append(kNow, named("before"));
    {
      const auto subscription = log.subscribe([&](const Event& event) { heard.push_back(event.id); });
      log.append(kNow, named("one"));
      log.append(kNow, named("two"));
    }
    log.append(kNow, named("after"));

    CHECK(heard == std::vector<std::uint64_t>{2, 3});
  }

  TEST_CASE("a subscriber may leave and another come while an event is told") {
    EventLog log(3);
    int first = 0;
    int second = 0;
    EventLog::Subscription later;
    EventLog::Subscription now;
    now = log.subscribe([&](const Event&) {
      ++first;
      later = log.subscribe([&](const Event&) { ++second; });
      now = {};
    });

    log.append(kNow, named("one"));
    log.append(kNow, named("two"));

    CHECK(first == 1);
    CHECK(second == 1);
  }

  TEST_CASE("a subscription may outlive the log") {
    EventLog::Subscription subscription;
    {
      EventLog log(1);
      subscription = log.subscribe([](const Event&) {});
    }
    subscription = {};
  }
}

}  // namespace tandem::admin
