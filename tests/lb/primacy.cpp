#include "lb/primacy.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/lb/town.hpp"

namespace tandem::lb {

namespace {

/// Members a, b, c of a cluster; write() is the name of the writer.
class Rivals {
 public:
  Rivals() {
    for (std::uint32_t number = 1; number <= 3; ++number) {
      primacy_.join(BackendId{number}, std::string(1, static_cast<char>('a' + number - 1)));
    }
  }

  Rivals& primary(char name, std::optional<std::uint64_t> epoch = std::nullopt) {
    return say(name, test::Town::up(Role::primary, epoch));
  }
  Rivals& replica(char name, std::optional<std::uint64_t> epoch = std::nullopt) {
    return say(name, test::Town::up(Role::replica, epoch));
  }
  Rivals& none(char name) { return say(name, test::Town::up(Role::none, std::nullopt)); }
  Rivals& down(char name) {
    Standing standing;
    standing.known = true;
    return say(name, standing);
  }
  Result<void> promote(char name) {
    auto result = primacy_.promote(id(name));
    outcome = primacy_.judge();
    return result;
  }

  Rivals& peer_saw_promoted(char name, Instant when = Instant{std::chrono::hours(1)}) {
    primacy_.on_peer_promotion(id(name), when);
    outcome = primacy_.judge();
    return *this;
  }

  [[nodiscard]] std::string writer(OnConflict policy = OnConflict::newest) const {
    const auto found = outcome.writer(policy);
    return found ? std::string(1, static_cast<char>('a' + number(*found) - 1)) : "nobody";
  }
  [[nodiscard]] std::string unopposed() const { return writer(OnConflict::refuse); }

  Instant now{std::chrono::minutes(1)};
  Primacy::Outcome outcome;
  std::optional<std::uint64_t> epoch_before;

 private:
  static BackendId id(char name) { return BackendId{static_cast<std::uint32_t>(name - 'a' + 1)}; }
  Rivals& say(char name, const Standing& standing) {
    epoch_before = primacy_.on_standing(id(name), standing, now);
    outcome = primacy_.judge();
    return *this;
  }

  Primacy primacy_;
};

}  // namespace

TEST_SUITE("lb/primacy") {
  TEST_CASE("who alone says primary is the writer") {
    Rivals cluster;

    CHECK(cluster.writer() == "nobody");
    cluster.primary('a', 5).replica('b', 5);
    CHECK(cluster.writer() == "a");
    CHECK(cluster.unopposed() == "a");
    CHECK_FALSE(cluster.outcome.in_conflict());
  }

  TEST_CASE("of two primaries the higher epoch wins whoever came first") {
    CHECK(Rivals().primary('a', 5).primary('b', 6).writer() == "b");
    CHECK(Rivals().primary('b', 6).primary('a', 5).writer() == "b");
    CHECK(Rivals().primary('a', 5).primary('b', 6).primary('c', 4).writer() == "b");
  }

  TEST_CASE("a policy of refuse gives a conflict to nobody and the one left gets it") {
    Rivals cluster;
    cluster.primary('a', 5).primary('b', 6);
    CHECK(cluster.unopposed() == "nobody");

    cluster.replica('a', 6);
    CHECK(cluster.unopposed() == "b");
  }

  TEST_CASE("at equal epochs the promotion that was seen last wins") {
    CHECK(Rivals().primary('a', 5).replica('b', 5).primary('b', 5).writer() == "b");
    CHECK(Rivals().primary('a').replica('b').primary('b').writer() == "b");
    CHECK(Rivals().primary('a').replica('b').replica('c').primary('b').primary('c').writer() == "c");
    CHECK(Rivals().primary('a').replica('b').replica('c').primary('c').primary('b').writer() == "b");
  }

  TEST_CASE("a promotion with a pause without a role counts as seen") {
    CHECK(Rivals().primary('a').replica('b').none('b').primary('b').writer() == "b");
  }

  TEST_CASE("the higher epoch comes before the later promotion") {
    CHECK(Rivals().primary('a', 6).replica('b', 5).primary('b', 5).writer() == "a");
  }

  TEST_CASE("with neither epoch nor promotion nobody is the writer until one gives way") {
    Rivals cluster;
    cluster.primary('a', 5).primary('b', 5);
    CHECK(cluster.writer() == "nobody");
    CHECK(cluster.outcome.reason == "no epoch and no promotion that was seen tells which is newer");

    cluster.replica('b', 5);
    CHECK(cluster.writer() == "a");
  }

  TEST_CASE("a promotion that only the other node saw settles a conflict") {
    CHECK(Rivals().primary('a').primary('b').peer_saw_promoted('b').writer() == "b");
  }

  TEST_CASE("a promotion that the other node tells of early counts when its primary says so") {
    CHECK(Rivals().primary('a').peer_saw_promoted('b').primary('b').writer() == "b");
    CHECK(Rivals().primary('a').peer_saw_promoted('b').replica('b').writer() == "a");
  }

  TEST_CASE("of two promotions the later one counts whoever saw it") {
    const Instant before{std::chrono::seconds(1)};

    CHECK(Rivals().primary('a').replica('b').primary('b').peer_saw_promoted('a', before).writer() == "b");
    CHECK(Rivals().primary('a').replica('b').primary('b').peer_saw_promoted('a').writer() == "a");
  }

  TEST_CASE("who sat there loses the pool when a second one appears that cannot be told apart") {
    Rivals cluster;
    CHECK(cluster.primary('a').writer() == "a");
    CHECK(cluster.primary('b').writer() == "nobody");
  }

  TEST_CASE("coming back from silence as primary is not a promotion that was seen") {
    Rivals cluster;
    cluster.primary('a').replica('b').down('b').primary('b');

    CHECK(cluster.writer() == "nobody");
  }

  TEST_CASE("a primary that was cut off and comes back is the old one") {
    Rivals cluster;
    cluster.primary('a').replica('b').down('a').primary('b');
    CHECK(cluster.writer() == "b");

    cluster.primary('a');
    CHECK(cluster.writer() == "b");
    CHECK(cluster.outcome.in_conflict());
  }

  TEST_CASE("a promotion that was seen counts no more once its primary was out of sight") {
    Rivals cluster;
    cluster.replica('b').primary('b').down('b').primary('c');
    CHECK(cluster.writer() == "c");

    cluster.primary('b');
    CHECK(cluster.writer() == "nobody");
  }

  TEST_CASE("an old primary does not get its turn when the new one goes") {
    Rivals cluster;
    cluster.primary('a').replica('b').down('a').primary('b').primary('a').down('b');
    CHECK(cluster.writer() == "nobody");
    CHECK(cluster.outcome.refused);
    CHECK(cluster.outcome.reason == "a says primary, but b was promoted after it");

    cluster.primary('b');
    CHECK(cluster.writer() == "b");
  }

  TEST_CASE("an old primary that rejoined as replica may be promoted again") {
    Rivals cluster;
    cluster.primary('a').replica('b').down('a').primary('b').replica('a').down('b').primary('a');

    CHECK(cluster.writer() == "a");
    CHECK(cluster.primary('b').writer() == "a");
  }

  TEST_CASE("a lone primary whose epoch is behind one that was seen is refused") {
    Rivals cluster;
    cluster.primary('a', 5).down('a').primary('b', 6).down('b');
    cluster.primary('a', 5);
    CHECK(cluster.writer() == "nobody");
    CHECK(cluster.unopposed() == "nobody");
    CHECK(cluster.outcome.refused);
    CHECK(cluster.outcome.reason == "a says primary at epoch 5, but a primary at epoch 6 was seen");

    cluster.primary('a', 7);
    CHECK(cluster.writer() == "a");
  }

  TEST_CASE("an epoch that goes backwards is told and costs who sits there nothing while it is alone") {
    Rivals cluster;
    cluster.primary('a', 5);
    CHECK_FALSE(cluster.epoch_before);

    cluster.primary('a', 4);
    CHECK(cluster.epoch_before == 5);
    CHECK(cluster.writer() == "a");
    cluster.primary('a', 4);
    CHECK_FALSE(cluster.epoch_before);
    cluster.down('a').primary('a', 4);
    CHECK(cluster.writer() == "nobody");
  }

  TEST_CASE("an operator settles a conflict until it ends and the other one is out until it rejoins") {
    Rivals cluster;
    cluster.primary('a', 5).primary('b', 6);
    REQUIRE(cluster.promote('a').has_value());
    CHECK(cluster.writer() == "a");
    CHECK(cluster.unopposed() == "a");
    cluster.primary('b', 6);
    CHECK(cluster.writer() == "a");

    cluster.down('a');
    CHECK(cluster.writer() == "nobody");
    CHECK(cluster.outcome.reason == "b says primary, but an operator chose a");
    cluster.primary('a', 5);
    CHECK(cluster.writer() == "a");
    cluster.replica('b', 5).down('a').primary('b', 5);
    CHECK(cluster.writer() == "b");
  }

  TEST_CASE("an operator lets an older epoch in") {
    Rivals cluster;
    cluster.primary('a', 6).down('a').primary('b', 2);
    CHECK(cluster.writer() == "nobody");

    REQUIRE(cluster.promote('b').has_value());
    CHECK(cluster.writer() == "b");
    cluster.down('b').primary('b', 2);
    CHECK(cluster.writer() == "b");
  }

  TEST_CASE("an operator is named when the newer primary comes back after an older one was let in") {
    Rivals cluster;
    cluster.primary('a', 5).replica('b', 5).primary('b', 6).down('b');
    REQUIRE(cluster.promote('a').has_value());

    cluster.primary('b', 6);
    CHECK(cluster.writer() == "a");
    CHECK(cluster.outcome.reason == "an operator chose a");

    Rivals promoted;
    promoted.replica('a', 5).primary('a', 5).primary('b', 6).down('b');
    REQUIRE(promoted.promote('a').has_value());
    promoted.primary('b', 6);
    CHECK(promoted.writer() == "a");
    CHECK(promoted.outcome.reason == "an operator chose a");
  }

  TEST_CASE("an operator cannot choose who does not say primary") {
    Rivals cluster;
    cluster.primary('a').replica('b');

    CHECK_FALSE(cluster.promote('b').has_value());
    CHECK_FALSE(cluster.promote('c').has_value());
    CHECK(cluster.writer() == "a");
  }

  TEST_CASE("one of three without an epoch leaves it to promotions") {
    CHECK(Rivals().primary('a', 6).primary('b').writer() == "nobody");
    CHECK(Rivals().primary('a', 6).replica('b').primary('b').writer() == "b");
  }
}

}  // namespace tandem::lb
