#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "peer/codec.hpp"
#include "peer/urgent_queue.hpp"
#include "peer/view_queue.hpp"

namespace tandem::peer {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{1h};
constexpr std::size_t kPlenty = 1'000'000;

BackendHint hint(std::string backend, std::string reason = "") {
  BackendHint made;
  made.cluster = "orders";
  made.backend = std::move(backend);
  made.reason = std::move(reason);
  return made;
}

View of(std::vector<BackendHint> hints) {
  View view;
  view.backends = std::move(hints);
  return view;
}

std::string told(const View& view) {
  std::vector<std::string> parts;
  for (const BackendHint& one : view.backends) {
    parts.push_back(one.reason.empty() ? one.backend : concat(one.backend, "=", one.reason));
  }
  return join(parts, " ");
}

}  // namespace

TEST_SUITE("peer/view_queue") {
  TEST_CASE("hints come out in the order of their backends' first change") {
    ViewQueue queue;
    queue.add(of({hint("a"), hint("b")}), kStart);
    queue.add(of({hint("c")}), kStart);

    CHECK(told(queue.take(kPlenty, kStart)) == "a b c");
    CHECK(queue.empty());
    CHECK(told(queue.take(kPlenty, kStart)) == "");
  }

  TEST_CASE("the newest word about a backend takes the place of the one that waits") {
    ViewQueue queue;
    queue.add(of({hint("a", "down"), hint("b")}), kStart);
    queue.add(of({hint("a", "up")}), kStart);

    CHECK(told(queue.take(kPlenty, kStart)) == "a=up b");

    queue.add(of({hint("a", "again")}), kStart);
    CHECK(told(queue.take(kPlenty, kStart)) == "a=again");
  }

  TEST_CASE("backends of one name in two clusters are two") {
    ViewQueue queue;
    BackendHint other = hint("a");
    other.cluster = "web";
    queue.add(of({hint("a"), other}), kStart);

    CHECK(queue.take(kPlenty, kStart).backends.size() == 2);
  }

  TEST_CASE("a whole view does not overwrite a change that came before it") {
    ViewQueue queue;
    queue.add(of({hint("b", "new")}), kStart);
    queue.add_whole(of({hint("a", "whole"), hint("b", "whole")}), kStart);

    CHECK(told(queue.take(kPlenty, kStart)) == "b=new a=whole");
  }

  TEST_CASE("ages go on while a hint waits") {
    ViewQueue queue;
    BackendHint old = hint("a");
    old.age = 2s;
    old.promoted = 1min;
    OverrideHint drained;
    drained.cluster = "orders";
    drained.backend = "a";
    drained.age = 1s;
    drained.lasts = 4s;
    OverrideHint ending = drained;
    ending.backend = "b";
    ending.lasts = 1s;
    View view = of({old});
    view.overrides = {drained, ending};
    queue.add(view, kStart);

    const View later = queue.take(kPlenty, kStart + 3s);

    CHECK(later.backends[0].age == 5s);
    CHECK(later.backends[0].promoted == 63s);
    CHECK(later.overrides[0].age == 4s);
    CHECK(later.overrides[0].lasts == 1s);
    CHECK(later.overrides[1].lasts == 0s);
  }

  TEST_CASE("a take keeps within its bytes and loses nothing") {
    ViewQueue queue;
    std::vector<BackendHint> hints;
    hints.reserve(1000);
    for (int i = 0; i < 1000; ++i) {
      hints.push_back(hint(concat("pg-", i), std::string(static_cast<std::size_t>(i) * 7 % 3000, 'r')));
    }
    queue.add(of(hints), kStart);

    std::size_t taken = 0;
    for (int turn = 0; turn < 1000 && !queue.empty(); ++turn) {
      const View view = queue.take(16 * 1024, kStart);
      std::string frame;
      encode(view, frame);
      CHECK(frame.size() <= 16 * 1024 + 6);
      for (const BackendHint& one : view.backends) {
        CHECK(one.backend == concat("pg-", taken));
        ++taken;
      }
    }
    CHECK(taken == 1000);
  }

  TEST_CASE("what does not fit into the queue or onto the wire is counted") {
    ViewQueue queue;
    std::vector<BackendHint> hints;
    for (std::size_t i = 0; i < ViewQueue::kHintsMax + 10; ++i) {
      hints.push_back(hint(std::to_string(i)));
    }
    queue.add(of(hints), kStart);
    CHECK(queue.overflows() == 10);

    queue.add(of({hint("5", "newer")}), kStart);  // has a place
    CHECK(queue.overflows() == 10);

    queue.clear();
    queue.add(of({hint(std::string(513, 'n')), hint("fits")}), kStart);
    CHECK(queue.overflows() == 11);
    CHECK(told(queue.take(kPlenty, kStart)) == "fits");
  }
}

TEST_SUITE("peer/urgent_queue") {
  TEST_CASE("messages come out in the order of their arrival over many rounds") {
    const auto queue = std::make_unique<UrgentQueue>();
    for (unsigned round = 0; round < 5000; ++round) {
      const auto id = static_cast<std::uint8_t>(round % 255 + 1);
      REQUIRE(queue->try_push(Leaving{{IpAddress::Family::v4, id}}));
      REQUIRE(queue->try_push(Active{{IpAddress::Family::v6, id}}));
      CHECK((queue->take() == Urgent{Leaving{{IpAddress::Family::v4, id}}}));
      CHECK((queue->take() == Urgent{Active{{IpAddress::Family::v6, id}}}));
      CHECK_FALSE(queue->take().has_value());
    }
  }

  TEST_CASE("a full queue refuses and counts") {
    const auto queue = std::make_unique<UrgentQueue>();
    for (std::size_t i = 0; i < UrgentQueue::kCapacity; ++i) {
      REQUIRE(queue->try_push(Leaving{}));
    }
    CHECK_FALSE(queue->try_push(Leaving{}));
    CHECK(queue->overflows() == 1);
    CHECK(queue->take().has_value());
    CHECK(queue->try_push(Leaving{}));
  }

  TEST_CASE("several writers lose nothing and keep each their order") {
    constexpr int kWriters = 3;
    constexpr int kMessages = 20'000;
    const auto queue = std::make_unique<UrgentQueue>();
    std::vector<std::thread> writers;
    for (int writer = 1; writer <= kWriters; ++writer) {
      writers.emplace_back([&queue, writer] {
        for (int i = 0; i < kMessages; ++i) {
          const Router router{i % 2 == 0 ? IpAddress::Family::v4 : IpAddress::Family::v6,
                              static_cast<std::uint8_t>(writer)};
          while (!queue->try_push(Leaving{router})) {
            std::this_thread::yield();
          }
        }
      });
    }
    std::vector<int> counts(kWriters + 1);
    bool in_order = true;
    for (int received = 0; received < kWriters * kMessages;) {
      if (const auto urgent = queue->take()) {
        const Router router = std::get<Leaving>(*urgent).router;
        const auto expected = counts[router.id]++ % 2 == 0 ? IpAddress::Family::v4 : IpAddress::Family::v6;
        in_order = in_order && router.family == expected;
        ++received;
      } else {
        std::this_thread::yield();
      }
    }
    for (std::thread& writer : writers) {
      writer.join();
    }
    CHECK(in_order);
    CHECK_FALSE(queue->take().has_value());
  }
}

}  // namespace tandem::peer
