#include "vrrp/contest_watch.hpp"

#include <doctest/doctest.h>

#include "tests/vrrp/stringify.hpp"
#include "tests/vrrp/support.hpp"

namespace tandem::vrrp {

using namespace std::chrono_literals;

TEST_SUITE("vrrp/contest_watch") {
  TEST_CASE("the last word of a relieved router is no split") {
    ContestWatch watch;
    watch.on_active(start, 3s);

    CHECK(watch.on_won(ip("10.77.0.2"), start + 10ms, 3s) == Meeting::passing);

    CHECK_FALSE(watch.is_contested());
    CHECK(watch.next_deadline() == std::nullopt);
  }

  TEST_CASE("a rival who goes on is contested once until he is silent for long enough") {
    ContestWatch watch;
    watch.on_active(start, 3s);

    CHECK(watch.on_won(ip("10.77.0.2"), start + 4s, 3s) == Meeting::contested);
    CHECK(watch.on_won(ip("10.77.0.2"), start + 5s, 3s) == Meeting::going_on);
    CHECK_FALSE(watch.on_deadline(start + 7s));
    CHECK(watch.next_deadline() == start + 8s);

    CHECK(watch.on_deadline(start + 8s) == Duration(4s));
    CHECK_FALSE(watch.is_contested());
    CHECK(watch.on_won(ip("10.77.0.2"), start + 9s, 3s) == Meeting::contested);
  }

  TEST_CASE("giving way ends it") {
    ContestWatch watch;
    watch.on_active(start, 3s);
    CHECK_FALSE(watch.on_inactive(start + 1s));
    watch.on_active(start + 2s, 3s);
    CHECK(watch.on_won(ip("10.77.0.2"), start + 6s, 3s) == Meeting::contested);

    CHECK(watch.on_inactive(start + 7s) == Duration(1s));

    CHECK_FALSE(watch.is_contested());
  }
}

}  // namespace tandem::vrrp
