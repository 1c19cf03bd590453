#include "healthcheck/monitor.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <unordered_map>
#include <utility>

#include "base/check.hpp"
#include "base/random.hpp"
#include "healthcheck/gate.hpp"
#include "healthcheck/lag.hpp"
#include "healthcheck/probe/recipe.hpp"
#include "healthcheck/schedule.hpp"
#include "healthcheck/tracker.hpp"

namespace tandem::healthcheck {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// How often the thread is watched for not getting to run.
constexpr Duration kTick = 100ms;
/// Our own shortages are logged so often at most.
constexpr Duration kComplainEvery = 10s;

/// Probes at a time: half of the descriptors, for the other half is the traffic's.
std::size_t probes_at_a_time() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return 256;
  }
  return static_cast<std::size_t>(std::clamp<rlim_t>(limit.rlim_cur / 2, 64, 16'384));
}

Instant now() { return std::chrono::steady_clock::now(); }

struct Cluster {
  std::shared_ptr<ProbeStats> stats = std::make_shared<ProbeStats>();
  WriteLog log;
  bool urgent = false;
};

Tracker::Thresholds thresholds(const ProbeOptions& options) { return {.rise = options.rise, .fall = options.fall}; }

Schedule::Intervals intervals(const ProbeOptions& options) {
  return {.normal = options.interval, .fast = std::min(options.fast_interval, options.interval)};
}

/// One backend under watch.
struct Watch {
  Watch(asio::io_context& context, Target what, std::shared_ptr<const ProbeRecipe> how, std::shared_ptr<Cluster> whose,
        Random& random)
      : target(std::move(what)),
        recipe(std::move(how)),
        cluster(std::move(whose)),
        tracker(thresholds(recipe->options())),
        schedule(intervals(recipe->options()), now(), random),
        timer(context) {}

  Target target;
  std::shared_ptr<const ProbeRecipe> recipe;
  std::shared_ptr<Cluster> cluster;
  Tracker tracker;
  Schedule schedule;
  asio::steady_timer timer;
  std::shared_ptr<Probe> probe;  // the running one, or the last one in its polite ending
  Gate::Ticket place;
  std::uint64_t armed = 0;  // counts settings of the timer, so that an outdated one is known
  Instant started{};
  Duration lateness{0};
  Duration lost_before{0};
  bool probing = false;  // from its turn on until the verdict
  bool began_late = false;
  bool ended = false;  // not watched any more
};

}  // namespace

/// Shared with every handler under way, so that one that comes late finds it.
struct Monitor::State : std::enable_shared_from_this<Monitor::State> {
  State(asio::io_context& io, std::uint64_t seed, Log where, OnReport report)
      : context(io),
        surroundings(std::make_shared<Surroundings>(io)),
        places(std::make_shared<Gate>(io, probes_at_a_time())),
        random(seed),
        starvation(kTick),
        tick(io),
        log(std::move(where)),
        on_report(std::move(report)) {}

  void set_targets(std::vector<Target> targets);
  void take(const std::shared_ptr<Watch>& watch, Target target, std::shared_ptr<const ProbeRecipe> recipe);
  void end(Watch& watch) const;
  std::shared_ptr<Cluster> cluster(ClusterId id);
  void arm(const std::shared_ptr<Watch>& watch);
  void on_due(const std::shared_ptr<Watch>& watch);
  void begin(const std::shared_ptr<Watch>& watch, Gate::Ticket place);
  void on_done(const std::shared_ptr<Watch>& watch, Verdict verdict, Evidence evidence);
  void discard(const Watch& watch, const Verdict& verdict, Evidence evidence, Instant at);
  void watch_the_clock();
  void stop();

  asio::io_context& context;
  std::shared_ptr<Surroundings> surroundings;
  std::shared_ptr<Gate> places;
  Random random;
  Starvation starvation;
  asio::steady_timer tick;
  Log log;
  OnReport on_report;
  std::unordered_map<BackendId, std::shared_ptr<Watch>> watches;
  std::unordered_map<ClusterId, std::shared_ptr<Cluster>> clusters;
  Instant complained = Instant::min();
  bool ticking = false;
  bool stopped = false;
};

std::shared_ptr<Cluster> Monitor::State::cluster(ClusterId id) {
  std::shared_ptr<Cluster>& found = clusters[id];
  if (!found) {
    found = std::make_shared<Cluster>();
  }
  return found;
}

void Monitor::State::set_targets(std::vector<Target> targets) {
  std::unordered_map<const ProbeOptions*, std::shared_ptr<const ProbeRecipe>> recipes;
  for (const auto& [id, watch] : watches) {
    recipes.emplace(watch->target.probe.get(), watch->recipe);
  }
  std::unordered_map<BackendId, std::shared_ptr<Watch>> kept;
  kept.reserve(targets.size());
  for (Target& target : targets) {
    check(target.probe != nullptr, "every target says how it is probed");
    std::shared_ptr<const ProbeRecipe>& recipe = recipes[target.probe.get()];
    if (!recipe) {
      recipe = std::make_shared<const ProbeRecipe>(surroundings, target.probe);
    }
    const BackendId id = target.id;
    std::shared_ptr<Watch>& watch = kept[id];
    const auto known = watches.find(id);
    if (known == watches.end()) {
      auto whose = cluster(target.cluster);
      watch = std::make_shared<Watch>(context, std::move(target), recipe, std::move(whose), random);
      arm(watch);
      continue;
    }
    watch = std::move(known->second);
    watches.erase(known);
    take(watch, std::move(target), recipe);
  }
  for (const auto& [id, watch] : watches) {
    end(*watch);
  }
  watches = std::move(kept);
  if (!ticking && !watches.empty()) {
    ticking = true;
    starvation.restart(now());
    watch_the_clock();
  }
}

void Monitor::State::take(const std::shared_ptr<Watch>& watch, Target target,
                          std::shared_ptr<const ProbeRecipe> recipe) {
  if (watch->target.cluster != target.cluster) {
    watch->cluster = cluster(target.cluster);
  }
  const ProbeOptions& before = watch->recipe->options();
  const ProbeOptions& after = recipe->options();
  const bool rhythm = before.interval != after.interval || before.fast_interval != after.fast_interval;
  watch->tracker.set_thresholds(thresholds(after));
  watch->target = std::move(target);
  watch->recipe = std::move(recipe);
  if (rhythm) {
    watch->schedule.set_intervals(intervals(watch->recipe->options()), now(), random);
    if (!watch->probing) {
      arm(watch);
    }
  }
}

void Monitor::State::end(Watch& watch) const {
  watch.ended = true;
  watch.timer.cancel();
  if (watch.probe) {
    watch.probe->cancel();
    watch.probe.reset();
  }
  watch.place.reset();
}

void Monitor::State::arm(const std::shared_ptr<Watch>& watch) {
  watch->timer.expires_at(watch->schedule.due());
  watch->timer.async_wait([self = shared_from_this(), watch, number = ++watch->armed](const error_code& error) {
    if (!error && !watch->ended && number == watch->armed) {
      self->on_due(watch);
    }
  });
}

void Monitor::State::on_due(const std::shared_ptr<Watch>& watch) {
  const Instant at = now();
  watch->probing = true;
  watch->lateness = at - watch->schedule.due();
  watch->began_late = watch->schedule.on_start(at);
  places->enter([self = shared_from_this(), watch](Gate::Ticket place) {
    if (!watch->ended) {
      self->begin(watch, std::move(place));
    }
  });
}

void Monitor::State::begin(const std::shared_ptr<Watch>& watch, Gate::Ticket place) {
  if (watch->probe) {
    watch->probe->cancel();  // a whole interval was enough for its polite ending
  }
  watch->place = std::move(place);
  watch->started = now();
  watch->lost_before = starvation.total(watch->started);
  const std::shared_ptr<Probe> probe = watch->recipe->make(watch->target);
  watch->probe = probe;
  probe->start(watch->started, [self = shared_from_this(), watch](const Verdict& verdict, Evidence evidence) {
    if (!watch->ended) {
      self->on_done(watch, verdict, evidence);
    }
  });
}

void Monitor::State::on_done(const std::shared_ptr<Watch>& watch, Verdict verdict, Evidence evidence) {
  const Instant at = now();
  const ProbeOptions& options = watch->recipe->options();
  watch->place.reset();
  watch->probing = false;
  const bool delayed = watch->began_late || starved(starvation.total(at) - watch->lost_before, options.timeout);
  const bool counts = verdict.reachable || (!delayed && evidence == Evidence::counts);
  ProbeStats& stats = *watch->cluster->stats;
  bool changed = false;
  if (counts) {
    (verdict.reachable ? stats.succeeded : stats.failed).add();
    stats.duration.observe(at - watch->started);
    watch->cluster->log.on_verdict(verdict, at);
    changed = watch->tracker.on_verdict(verdict);
  } else {
    stats.late.add();
    discard(*watch, verdict, evidence, at);
  }
  const bool fast = watch->cluster->urgent || watch->tracker.in_transition();
  watch->schedule.on_end(at, fast ? Schedule::Pace::fast : Schedule::Pace::normal, random);
  arm(watch);
  if (counts) {
    Report report;
    report.backend = watch->target.id;
    report.up = watch->tracker.up();
    report.changed = changed;
    report.verdict = std::move(verdict);
    report.standing = watch->tracker.standing();
    report.probe_duration = at - watch->started;
    report.lateness = watch->lateness;
    report.at = at;
    on_report(report);
  }
}

void Monitor::State::discard(const Watch& watch, const Verdict& verdict, Evidence evidence, Instant at) {
  if (complained != Instant::min() && at - complained < kComplainEvery) {
    return;
  }
  complained = at;
  log.warning("probe_discarded",
              {{"cluster", watch.target.cluster_name},
               {"backend", watch.target.name},
               {"reason", verdict.reason},
               {"cause", evidence == Evidence::none ? "this machine could not probe" : "this machine was late"}});
}

void Monitor::State::watch_the_clock() {
  tick.expires_at(starvation.next_tick());
  tick.async_wait([self = shared_from_this()](const error_code& error) {
    if (error || self->stopped) {
      return;
    }
    self->starvation.on_tick(now());
    if (self->watches.empty()) {
      self->ticking = false;
      return;
    }
    self->watch_the_clock();
  });
}

void Monitor::State::stop() {
  stopped = true;
  for (const auto& [id, watch] : watches) {
    end(*watch);
  }
  watches.clear();
  tick.cancel();
  places->close();
  surroundings->handshakes->close();
  surroundings->programs->close();
}

Monitor::Monitor(asio::io_context& context, std::uint64_t seed, Log log, OnReport on_report)
    : state_(std::make_shared<State>(context, seed, std::move(log), std::move(on_report))) {}

Monitor::~Monitor() { stop(); }

void Monitor::set_targets(std::vector<Target> targets) {
  if (!state_->stopped) {
    state_->set_targets(std::move(targets));
  }
}

void Monitor::probe_now(BackendId backend) {
  const auto found = state_->watches.find(backend);
  if (found == state_->watches.end()) {
    return;
  }
  const std::shared_ptr<Watch>& watch = found->second;
  watch->schedule.ask_now(now());
  if (!watch->probing) {
    state_->arm(watch);
  }
}

void Monitor::set_urgent(ClusterId cluster, bool urgent) {
  const auto found = state_->clusters.find(cluster);
  const bool begins = urgent && (found == state_->clusters.end() || !found->second->urgent);
  state_->cluster(cluster)->urgent = urgent;
  if (!begins) {
    return;
  }
  for (const auto& [id, watch] : state_->watches) {
    if (watch->target.cluster == cluster && !watch->probing) {
      watch->schedule.hurry(now(), state_->random);
      state_->arm(watch);
    }
  }
}

std::shared_ptr<const ProbeStats> Monitor::stats(ClusterId cluster) const { return state_->cluster(cluster)->stats; }

void Monitor::stop() {
  if (!state_->stopped) {
    state_->stop();
  }
}

}  // namespace tandem::healthcheck
