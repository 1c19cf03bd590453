#include "net/timer_wheel.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/random.hpp"

namespace tandem::net {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{Duration{1'000'000'000}};

struct Named final : TimerHandler {
  explicit Named(int number) : name(number) {}
  void on_timer() override {}

  int name;
  Timer timer{this};
};

std::vector<int> expire_all(TimerWheel& wheel, Instant now) {
  std::vector<int> names;
  while (Timer* timer = wheel.expire(now)) {
    names.push_back(static_cast<Named&>(timer->handler()).name);
  }
  return names;
}

using Names = std::vector<int>;

TEST_SUITE("net/timer_wheel") {
  TEST_CASE("a timer comes at its deadline and not before") {
    TimerWheel wheel(kStart);
    Named one(1);

    wheel.arm(one.timer, kStart + 5ms);

    CHECK(wheel.next_deadline() == kStart + 5ms);
    CHECK(expire_all(wheel, kStart + 4999us).empty());
    CHECK(expire_all(wheel, kStart + 5ms) == Names{1});
    CHECK_FALSE(one.timer.armed());
    CHECK_FALSE(wheel.next_deadline().has_value());
  }

  TEST_CASE("a deadline between two ticks is rounded up") {
    TimerWheel wheel(kStart);
    Named one(1);

    wheel.arm(one.timer, kStart + 1500us);

    CHECK(expire_all(wheel, kStart + 1900us).empty());
    CHECK(expire_all(wheel, kStart + 2ms) == Names{1});
  }

  TEST_CASE("a deadline in the past comes at once") {
    TimerWheel wheel(kStart);
    Named one(1);
    expire_all(wheel, kStart + 10s);

    wheel.arm(one.timer, kStart + 1s);

    CHECK(expire_all(wheel, kStart + 10s) == Names{1});
  }

  TEST_CASE("moving a timer forgets the old deadline") {
    TimerWheel wheel(kStart);
    Named one(1);
    wheel.arm(one.timer, kStart + 5ms);

    wheel.arm(one.timer, kStart + 70ms);

    CHECK(expire_all(wheel, kStart + 69ms).empty());
    CHECK(expire_all(wheel, kStart + 70ms) == Names{1});
  }

  TEST_CASE("a cancelled timer and a destroyed one never come") {
    TimerWheel wheel(kStart);
    Named one(1);
    auto two = std::make_unique<Named>(2);
    wheel.arm(one.timer, kStart + 5ms);
    wheel.arm(two->timer, kStart + 5ms);

    TimerWheel::cancel(one.timer);
    two.reset();

    CHECK_FALSE(wheel.next_deadline().has_value());
    CHECK(expire_all(wheel, kStart + 1h).empty());
  }

  TEST_CASE("a deadline beyond the wheel comes at its time") {
    TimerWheel wheel(kStart);
    Named one(1);
    const Instant deadline = kStart + std::chrono::hours(24 * 40);

    wheel.arm(one.timer, deadline);

    Instant now = kStart;
    for (int step = 0; step < 100 && wheel.next_deadline(); ++step) {
      now = *wheel.next_deadline();
      if (!expire_all(wheel, now).empty()) {
        break;
      }
    }
    CHECK(now == deadline);
  }

  TEST_CASE("many timers with random deadlines come in order and never early") {
    constexpr std::uint64_t kSeed = 42;
    CAPTURE(kSeed);
    Random random(kSeed);
    TimerWheel wheel(kStart);
    std::vector<std::unique_ptr<Named>> timers;
    std::map<int, Instant> deadlines;
    for (int name = 0; name < 5000; ++name) {
      timers.push_back(std::make_unique<Named>(name));
      const Duration away = std::chrono::milliseconds(random.below(1U << (1 + random.below(26))));
      deadlines[name] = kStart + away;
      wheel.arm(timers.back()->timer, deadlines[name]);
    }

    Instant now = kStart;
    while (const auto next = wheel.next_deadline()) {
      REQUIRE(*next >= now);
      // sometimes the thread sleeps longer than it wanted to
      now = *next + (random.below(4) == 0 ? std::chrono::milliseconds(random.below(5000)) : 0ms);
      for (const int name : expire_all(wheel, now)) {
        REQUIRE(deadlines.at(name) <= now);
        deadlines.erase(name);
        if (random.below(3) == 0) {
          deadlines[name] = now + std::chrono::milliseconds(random.below(100'000));
          wheel.arm(timers[static_cast<std::size_t>(name)]->timer, deadlines[name]);
        }
      }
      for (const auto& [name, deadline] : deadlines) {
        REQUIRE(deadline > now);  // nobody was forgotten
        if (name > 20) {
          break;
        }
      }
    }
    CHECK(deadlines.empty());
  }
}

}  // namespace
}  // namespace tandem::net
