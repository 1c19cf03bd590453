#include "net/mailbox.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <thread>
#include <vector>

namespace tandem::net {
namespace {

using namespace std::chrono_literals;

TEST_SUITE("net/mailbox") {
  TEST_CASE("messages come out in the order in which they went in") {
    Mailbox<int> mailbox(4);
    for (int message : {1, 2, 3}) {
      REQUIRE(mailbox.try_push(message));
    }

    std::vector<int> taken;
    mailbox.take(taken);

    CHECK(taken == std::vector{1, 2, 3});
    mailbox.take(taken);
    CHECK(taken.empty());
  }

  TEST_CASE("a full mailbox counts what it refuses and leaves the message alone") {
    Mailbox<std::unique_ptr<int>> mailbox(1);
    auto first = std::make_unique<int>(1);
    auto second = std::make_unique<int>(2);
    REQUIRE(mailbox.try_push(first));

    CHECK_FALSE(mailbox.try_push(second));

    CHECK(mailbox.overflows() == 1);
    REQUIRE(second != nullptr);
    std::vector<std::unique_ptr<int>> taken;
    mailbox.take(taken);
    CHECK(mailbox.try_push(second));
  }

  TEST_CASE("a message ends the wait of its reader") {
    Reactor reactor;
    Mailbox<int> mailbox(4);
    REQUIRE(reactor.add(mailbox.wakeup().fd(), mailbox.wakeup()));
    static_cast<void>(reactor.wait(0s));
    std::vector<int> taken;

    for (int round = 0; round < 3; ++round) {
      REQUIRE(mailbox.try_push(round));
      CHECK(reactor.wait(10s).size() == 1);
      mailbox.take(taken);
      CHECK(taken == std::vector{round});
    }
    CHECK(reactor.wait(0s).empty());
  }

  TEST_CASE("nothing is lost between many writers and one reader") {
    constexpr int kWriters = 4;
    constexpr int kEach = 5000;
    Reactor reactor;
    Mailbox<int> mailbox(64);
    REQUIRE(reactor.add(mailbox.wakeup().fd(), mailbox.wakeup()));
    std::vector<std::thread> writers;
    for (int writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&mailbox, writer] {
        for (int number = 0; number < kEach; ++number) {
          int message = writer * kEach + number;
          while (!mailbox.try_push(message)) {
            std::this_thread::yield();
          }
        }
      });
    }

    std::vector<int> next(kWriters, 0);
    std::vector<int> taken;
    for (int total = 0; total < kWriters * kEach;) {
      mailbox.take(taken);
      if (taken.empty()) {
        REQUIRE_FALSE(reactor.wait(10s).empty());
      }
      for (const int message : taken) {
        const auto writer = static_cast<std::size_t>(message / kEach);
        REQUIRE(message % kEach == next[writer]);
        ++next[writer];
        ++total;
      }
    }
    for (std::thread& writer : writers) {
      writer.join();
    }
    CHECK(next == std::vector(kWriters, kEach));
  }
}

}  // namespace
}  // namespace tandem::net
