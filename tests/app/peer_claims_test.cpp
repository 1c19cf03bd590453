#include "app/peer_claims.hpp"

#include <doctest/doctest.h>

namespace tandem::app {

using namespace std::chrono_literals;

TEST_SUITE("app/peer_claims") {
  TEST_CASE("two that are active for longer than a change takes contest one another") {
    const peer::Router router{IpAddress::Family::v4, 51};
    const Instant start{100s};
    PeerClaims claims;
    claims.on_active(router, start);

    CHECK_FALSE(claims.contests(router, start - 10s, start + 3s));
    CHECK(claims.contests(router, start - 10s, start + 3001ms));
    CHECK_FALSE(claims.contests(router, start + 500ms, start + 3001ms));
    CHECK_FALSE(claims.contests({IpAddress::Family::v6, 51}, start - 10s, start + 4s));
  }

  TEST_CASE("a claim ends with the word that it is given up and with the link") {
    const peer::Router first{IpAddress::Family::v4, 51};
    const peer::Router second{IpAddress::Family::v4, 52};
    PeerClaims claims;
    claims.on_active(first, Instant{});
    claims.on_active(second, Instant{});

    claims.on_leaving(first);
    CHECK_FALSE(claims.contests(first, Instant{}, Instant{10s}));
    CHECK(claims.contests(second, Instant{}, Instant{10s}));
    claims.clear();
    CHECK_FALSE(claims.contests(second, Instant{}, Instant{10s}));
  }
}

}  // namespace tandem::app
