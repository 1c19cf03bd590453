#include "vrrp/peer_loss.hpp"

#include <doctest/doctest.h>

#include "tests/vrrp/stringify.hpp"

namespace tandem::vrrp {

using namespace std::chrono_literals;

TEST_SUITE("vrrp/peer_loss") {
  TEST_CASE("a farewell after the link broke is a dead peer's for a second") {
    struct Row {
      Duration after;
      bool dead;
    };
    for (const Row& row : {Row{0ms, true}, Row{1s, true}, Row{1001ms, false}}) {
      PeerLoss loss;

      CHECK_FALSE(loss.on_link_lost(start));

      CHECK(loss.on_farewell(start + row.after) == row.dead);
    }
  }

  TEST_CASE("a link that breaks within 50 ms of a farewell is a dead peer's") {
    struct Row {
      Duration after;
      bool dead;
    };
    for (const Row& row : {Row{0ms, true}, Row{50ms, true}, Row{51ms, false}}) {
      PeerLoss loss;

      CHECK_FALSE(loss.on_farewell(start));

      CHECK(loss.on_link_lost(start + row.after) == row.dead);
    }
  }

  TEST_CASE("a peer that was heard after its farewell is alive") {
    PeerLoss loss;
    CHECK_FALSE(loss.on_farewell(start));

    loss.on_active_heard();

    CHECK_FALSE(loss.on_link_lost(start + 1ms));
  }
}

}  // namespace tandem::vrrp
