#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "lb/eligibility.hpp"
#include "lb/pools.hpp"
#include "tests/lb/town.hpp"

namespace tandem::lb {

namespace {

using namespace std::chrono_literals;

/// What the world does to Pools in one run, and what must be true after each step.
class Run {
 public:
  explicit Run(std::uint64_t seed) : random_(seed), pools_(2) {
    cluster_.name = "db";
    for (int index = 0; index < 4; ++index) {
      add_backend();
    }
    PoolOptions careful = test::write_pool();
    careful.name = "careful";
    careful.on_conflict = OnConflict::refuse;
    PoolOptions read = test::read_pool();
    read.return_to_replicas = 5s;
    PoolOptions web = test::any_pool();
    web.when_none_healthy = WhenNoneHealthy::try_all;
    pool_options_ = {test::write_pool(), careful, read, web};
    take(pools_.configure({&cluster_, 1}, pool_options_, now_));
  }

  void step() {
    now_ += std::chrono::milliseconds(random_.below(200));
    const std::uint32_t dice = random_.below(100);
    if (dice < 55) {
      take(pools_.on_standing(any_backend(), any_standing(), now_));
    } else if (dice < 60) {
      std::vector<std::pair<BackendId, Standing>> several;
      for (int index = 0; index < 5; ++index) {
        several.emplace_back(any_backend(), any_standing());
      }
      take(pools_.on_standings(several, now_));
    } else if (dice < 65) {
      take(pools_.on_admin_state(any_backend(), random_.below(3) == 0 ? AdminState::drain : AdminState::ready, now_));
    } else if (dice < 70) {
      reconfigure();
    } else if (dice < 74) {
      auto promoted = pools_.on_promote(any_backend(), now_);
      if (promoted) {
        take(*promoted);
      }
    } else if (dice < 92) {
      // Confirmations come late and sometimes never; an old one may come again.
      const std::uint64_t newest = pools_.snapshot()->version;
      const std::uint64_t version = newest - std::min<std::uint64_t>(random_.below(3), newest);
      applied_ = std::max(applied_, version);
      take(pools_.on_applied(version, now_));
    } else {
      if (const auto deadline = pools_.next_deadline()) {
        now_ = std::max(now_, *deadline);
      }
      take(pools_.on_deadline(now_));
    }
  }

  std::uint64_t handovers = 0;
  std::uint64_t fallbacks = 0;
  std::uint64_t conflicts = 0;

 private:
  /// What became of the last backend that a write pool served.
  struct Writer {
    std::optional<BackendId> last;
    bool was_empty_since = true;
    bool was_severed = false;
    std::uint64_t cleared_by = 0;  // version of the snapshot that came with the sever
    Instant cleared_at;
  };

  void add_backend() {
    BackendOptions backend;
    backend.name = "b" + std::to_string(++backends_ever_);
    backend.address = Endpoint{IpAddress(), static_cast<std::uint16_t>(1000 + backends_ever_)};
    cluster_.backends.push_back(backend);
  }

  BackendId any_backend() {
    const auto all = pools_.backends();
    return all.empty() ? BackendId{0} : all[random_.below(static_cast<std::uint32_t>(all.size()))].id;
  }

  Standing any_standing() {
    Standing standing;
    standing.known = random_.below(20) != 0;
    standing.up = standing.known && random_.below(4) != 0;
    if (standing.up) {
      constexpr std::array kRoles{Role::replica, Role::replica, Role::primary, Role::primary, Role::none};
      standing.role = kRoles[random_.below(5)];
      if (random_.below(3) != 0) {
        epoch_ += random_.below(10) == 0 ? 1 : 0;
        standing.epoch = epoch_ - std::min<std::uint64_t>(epoch_, random_.below(8) == 0 ? 1 : 0);
      }
      standing.takes_reads = random_.below(10) != 0;
    }
    return standing;
  }

  void reconfigure() {
    const std::uint32_t dice = random_.below(4);
    if (dice == 0 && cluster_.backends.size() < 6) {
      add_backend();
    } else if (dice == 1 && cluster_.backends.size() > 2) {
      cluster_.backends.erase(cluster_.backends.begin() +
                              random_.below(static_cast<std::uint32_t>(cluster_.backends.size())));
    } else {
      BackendOptions& one = cluster_.backends[random_.below(static_cast<std::uint32_t>(cluster_.backends.size()))];
      one.weight = random_.below(4) == 0 ? 0 : 100;
      one.tier = random_.below(2);
      one.address.port = static_cast<std::uint16_t>(one.address.port + (random_.below(4) == 0 ? 100 : 0));
    }
    take(pools_.configure({&cluster_, 1}, pool_options_, now_));
  }

  void take(const Change& change) {
    const std::shared_ptr<const Snapshot> after = pools_.snapshot();
    REQUIRE(((change.snapshot == nullptr) == (after == before_)));
    REQUIRE((change.severs.empty() || change.snapshot != nullptr));
    if (before_ && after != before_) {
      REQUIRE(change.snapshot == after);
      REQUIRE(after->version == before_->version + 1);
    }
    for (const PoolStatus& pool : pools_.pools()) {
      const PoolView* view = after->find(pool.id);
      REQUIRE(view == pool.view.get());
      check_against_before(*view);
      check_candidates(*view);
      REQUIRE(pool.fallback_active == (view->candidates.empty() && view->fallback.has_value()));
      fallbacks += pool.fallback_active ? 1 : 0;
      if (view->options->role == PoolRole::primary) {
        check_writer(*view, change);
      }
    }
    check_writers_agree(*after);
    for (const LogEvent& event : change.events) {
      conflicts += event.event == "conflict_started" ? 1 : 0;
    }
    before_ = after;
  }

  void check_against_before(const PoolView& view) {
    const PoolView* old = before_ ? before_->find(view.id) : nullptr;
    if (old != nullptr && old != &view) {
      REQUIRE_FALSE(same(*old, view));
      REQUIRE(view.generation >= old->generation);
    }
  }

  void check_candidates(const PoolView& view) {
    const auto members = pools_.backends();
    std::uint32_t tier = 0;
    for (const Candidate& candidate : view.candidates) {
      const auto member = std::find_if(members.begin(), members.end(),
                                       [&](const BackendStatus& one) { return one.backend == candidate.backend; });
      REQUIRE((member != members.end()));
      REQUIRE(member->admin_state == AdminState::ready);
      REQUIRE(member->options.weight > 0);
      REQUIRE(candidate.tier >= tier);
      tier = candidate.tier;
      if (view.fail_open) {
        REQUIRE(view.options->role == PoolRole::any);
        REQUIRE_FALSE(member->standing.up);
        continue;
      }
      REQUIRE(member->standing.known);
      REQUIRE(member->standing.up);
      REQUIRE((view.options->role != PoolRole::primary || member->standing.role == Role::primary));
      REQUIRE((view.options->role != PoolRole::replica ||
               (member->standing.role == Role::replica && member->standing.takes_reads)));
    }
  }

  void check_writer(const PoolView& view, const Change& change) {
    Writer& writer = writers_[view.id];
    REQUIRE(view.candidates.size() <= 1);
    for (const Sever& sever : change.severs) {
      if (sever.pool == view.id && sever.backend && sever.backend == writer.last) {
        REQUIRE(view.candidates.empty());
        writer.was_severed = true;
        writer.cleared_by = change.snapshot->version;
        writer.cleared_at = now_;
      }
    }
    if (view.candidates.empty()) {
      writer.was_empty_since = true;
      return;
    }
    const BackendId holder = view.candidates[0].backend->id;
    if (writer.last && *writer.last != holder) {
      ++handovers;
      REQUIRE(writer.was_empty_since);
      REQUIRE(writer.was_severed);
      REQUIRE((applied_ >= writer.cleared_by || now_ >= writer.cleared_at + 1s));
    }
    writer = Writer{holder, false, false, 0, {}};
  }

  void check_writers_agree(const Snapshot& snapshot) {
    std::optional<BackendId> holder;
    for (const auto& [id, view] : snapshot.pools) {
      if (view->options->role == PoolRole::primary && !view->candidates.empty()) {
        REQUIRE((!holder || holder == view->candidates[0].backend->id));
        holder = view->candidates[0].backend->id;
      }
    }
  }

  Random random_;
  ClusterOptions cluster_;
  std::vector<PoolOptions> pool_options_;
  Pools pools_;
  Instant now_ = test::kStart;
  std::shared_ptr<const Snapshot> before_;
  std::map<PoolId, Writer> writers_;
  std::uint64_t applied_ = 0;
  std::uint64_t epoch_ = 5;
  int backends_ever_ = 0;
};

}  // namespace

TEST_SUITE("lb/pools_property") {
  TEST_CASE("whatever happens a write pool has one writer at most and hands over in two steps") {
    std::uint64_t handovers = 0;
    std::uint64_t fallbacks = 0;
    std::uint64_t conflicts = 0;
    for (std::uint64_t seed = 1; seed <= 25; ++seed) {
      CAPTURE(seed);
      Run run(seed);
      for (int step = 0; step < 1000; ++step) {
        CAPTURE(step);
        run.step();
      }
      handovers += run.handovers;
      fallbacks += run.fallbacks;
      conflicts += run.conflicts;
    }

    MESSAGE(handovers << " handovers, " << fallbacks << " steps on a fallback, " << conflicts << " conflicts");
    CHECK(handovers > 1000);
    CHECK(fallbacks > 1000);
    CHECK(conflicts > 1000);
  }
}

}  // namespace tandem::lb
