#include "vrrp/state_machine.hpp"

#include <algorithm>
#include <array>

#include "base/check.hpp"

namespace tandem::vrrp {
namespace {

constexpr Duration kFarewellPatience = 1s;
constexpr Duration kLinger = 5ms;  // the peer's announcements follow its first advert: until then clients still ask us
constexpr int kAdvertsMissed = 3;
constexpr int kAdvertsAlive = 2;  // one may be lost

int number(Priority priority) { return static_cast<int>(priority); }

void announce(std::uint8_t repeat, Actions& actions) {
  if (repeat > 0) {
    actions.push_back(Announce{repeat});
  }
}

}  // namespace

std::string_view name(State state) {
  constexpr std::array<std::string_view, 3> names{"initialize", "backup", "active"};
  return names.at(static_cast<std::size_t>(state));
}

StateMachine::StateMachine(const Options& options, const IpAddress& self)
    : version_(options.version),
      priority_(options.priority),
      interval_(options.interval),
      preempt_(options.preempt),
      preempt_delay_(options.preempt_delay),
      startup_delay_(options.startup_delay),
      self_(self),
      active_interval_(options.interval) {
  check(priority_ != kLeaving, "a priority is 1 to 255");
  check(interval_ > Duration::zero(), "an interval is longer than nothing");
}

Actions StateMachine::on_start(Instant now) {
  check(state_ == State::initialize, "a virtual router starts once");
  Actions actions;
  active_interval_ = interval_;
  handed_over_ = false;
  heard_anybody_ = false;
  starting_ = startup_delay_ > Duration::zero();
  if (priority_ == kOwner && !starting_) {
    become_active(now, actions);
    return actions;
  }
  become_backup(now);
  timer_ = now + startup_delay_ + (priority_ == kOwner ? Duration::zero() : active_down_interval());
  hears_active_until_ = timer_;
  return actions;
}

Actions StateMachine::on_advert(const Advert& advert, Instant now) {
  Actions actions;
  if (state_ == State::initialize || advert.source == self_) {
    return actions;
  }
  heard_anybody_ = true;
  if (state_ == State::active && !is_leaving() && was_late(now)) {
    step_down(now, actions);
  }
  if (state_ == State::active) {
    on_advert_as_active(advert, now, actions);
  } else {
    on_advert_as_backup(advert, now);
  }
  return actions;
}

void StateMachine::on_advert_as_backup(const Advert& advert, Instant now) {
  if (starting_) {
    starting_ = false;  // the network lets adverts through: the usual times hold from here
    timer_ = now + active_down_interval();
  }
  if (advert.priority == kLeaving) {
    hears_active_until_.reset();
    if (patience_ == Patience::usual) {
      awaited_ = Awaited::farewell;
      timer_ = now + skew_time();
    }
    return;
  }
  if (preempts(advert, now)) {
    awaited_ = Awaited::preemption;
    hears_active_until_.reset();
    return;
  }
  listen_to(advert, now);
}

/// Whether the advert is passed over, so that the timer runs out.
bool StateMachine::preempts(const Advert& advert, Instant now) {
  const bool may = preempt_ == Preempt::yes || priority_ == kOwner;  // an owner always does
  if (!may || handed_over_ || advert.priority >= priority_) {
    preempt_from_.reset();
    return false;
  }
  if (!preempt_from_) {
    preempt_from_ = now + preempt_delay_;
  }
  return now >= *preempt_from_;
}

void StateMachine::on_advert_as_active(const Advert& advert, Instant now, Actions& actions) {
  if (is_leaving()) {
    on_advert_while_leaving(advert, now, actions);
    return;
  }
  if (advert.priority == kLeaving) {
    actions.push_back(SendAdvert{priority_});
    timer_ = now + interval_;
    return;
  }
  // In both cases an advert goes out: the loser's makes the winner announce itself, the winner's makes the loser yield.
  actions.push_back(SendAdvert{priority_});
  if (outranks_us(advert)) {
    actions.push_back(ReleaseAddresses{});
    actions.push_back(ReportContest{advert.source, Contest::lost});
    become_backup(now);
    listen_to(advert, now);
    return;
  }
  announce(announcements_.on_contest_won(now), actions);
  actions.push_back(ReportContest{advert.source, Contest::won});
}

/// The peer has taken over. Or it leaves as well: of two that hold the addresses one has to let go.
void StateMachine::on_advert_while_leaving(const Advert& advert, Instant now, Actions& actions) {
  if (advert.priority != kLeaving) {
    active_interval_ = advert.interval;
    linger(now);
    return;
  }
  if (advert.source > self_) {
    let_go(now, actions);
  }
}

bool StateMachine::outranks_us(const Advert& advert) const {
  return advert.priority > priority_ || (advert.priority == priority_ && advert.source > self_);
}

Actions StateMachine::on_deadline(Instant now) {
  Actions actions;
  if (state_ == State::active) {
    on_deadline_as_active(now, actions);
  } else if (state_ == State::backup && now >= timer_) {
    if (was_late(now)) {
      become_backup(now);  // deaf for too long to know that nobody is active: listen anew
    } else {
      become_active(now, actions);
    }
  }
  return actions;
}

void StateMachine::on_deadline_as_active(Instant now, Actions& actions) {
  if (is_leaving()) {
    if (now >= *leave_at_ && !taken_ && after_leaving_ == AfterLeaving::backup) {
      stay(now, actions);
    } else if (now >= *leave_at_) {
      if (!taken_) {
        actions.push_back(SendAdvert{kLeaving});
      }
      let_go(now, actions);
    } else if (now >= timer_ && !taken_) {
      actions.push_back(SendAdvert{kLeaving});  // the first may have been lost
      timer_ = now + interval_;
    }
    return;
  }
  if (was_late(now)) {
    step_down(now, actions);
    return;
  }
  if (now >= timer_) {
    actions.push_back(SendAdvert{priority_});
    timer_ = std::max(timer_ + interval_, now + interval_ / 2);  // in step, yet never two at once after a delay
  }
  announce(announcements_.on_deadline(now), actions);
}

Actions StateMachine::on_shutdown(Farewell farewell, Instant now) {
  Actions actions;
  if (state_ != State::active) {
    state_ = State::initialize;
    return actions;
  }
  if (farewell == Farewell::keep_until_taken) {
    leave(AfterLeaving::initialize, now, actions);
    return actions;
  }
  after_leaving_ = AfterLeaving::initialize;
  actions.push_back(SendAdvert{kLeaving});
  let_go(now, actions);
  return actions;
}

Actions StateMachine::on_handover(Instant now) {
  Actions actions;
  if (state_ == State::active && !is_leaving()) {
    leave(AfterLeaving::backup, now, actions);
  }
  return actions;
}

Actions StateMachine::on_invited(Instant now) {
  return patience_ == Patience::usual ? on_group_active(now) : Actions{};
}

Actions StateMachine::on_taken(Instant now) {
  if (state_ == State::active && is_leaving()) {
    linger(now);
  }
  return {};
}

Actions StateMachine::on_group_active(Instant now) {
  Actions actions;
  if (state_ == State::backup) {
    become_active(now, actions);
  }
  return actions;
}

Actions StateMachine::on_group_yield(Patience patience, Instant now) {
  Actions actions;
  if (state_ == State::initialize) {
    return actions;
  }
  if (state_ == State::active) {
    after_leaving_ = is_leaving() ? after_leaving_ : AfterLeaving::backup;
    actions.push_back(SendAdvert{kLeaving});
    let_go(now, actions);
  }
  handed_over_ = true;
  patience_ = patience;
  return actions;
}

void StateMachine::postpone(Instant until) {
  if (state_ == State::backup) {
    timer_ = std::max(timer_, until);
  }
}

void StateMachine::on_preempt(Preempt preempt, Duration delay) {
  preempt_ = preempt;
  preempt_delay_ = delay;
}

Actions StateMachine::on_priority(Priority priority, Instant now) {
  check(priority != kLeaving, "a priority is 1 to 255");
  Actions actions;
  const Duration skew_before = skew_time();
  const bool changed = priority != priority_;
  priority_ = priority;
  if (state_ == State::backup) {
    timer_ += skew_time() - skew_before;
  } else if (state_ == State::active && changed && !is_leaving() && !was_late(now)) {
    actions.push_back(SendAdvert{priority_});
    timer_ = now + interval_;
  }
  return actions;
}

std::optional<Instant> StateMachine::next_deadline() const {
  if (state_ == State::initialize) {
    return std::nullopt;
  }
  if (state_ == State::backup) {
    return timer_;
  }
  if (is_leaving()) {
    return taken_ ? *leave_at_ : std::min(timer_, *leave_at_);
  }
  return std::min(timer_, announcements_.next_deadline().value_or(timer_));
}

Duration StateMachine::active_down_interval() const {
  return kAdvertsMissed * (version_ == Version::v2 ? interval_ : active_interval_) + skew_time();
}

Duration StateMachine::skew_time() const {
  const Duration whole = version_ == Version::v2 ? Duration(1s) : active_interval_;
  return (256 - number(priority_)) * whole / 256;
}

/// Our thread stood still for so long that a backup's patience is over: somebody else may be active.
bool StateMachine::was_late(Instant now) const { return now - timer_ > active_down_interval(); }

std::optional<Duration> StateMachine::stood_still(Instant now) const {
  const bool waits = state_ != State::initialize && !is_leaving();
  return waits && was_late(now) ? std::optional(now - timer_) : std::nullopt;
}

void StateMachine::become_active(Instant now, Actions& actions) {
  state_ = State::active;
  active_interval_ = interval_;
  timer_ = now + interval_;
  starting_ = false;
  handed_over_ = false;
  preempt_from_.reset();
  hears_active_until_.reset();
  patience_ = Patience::usual;
  actions.push_back(SendAdvert{priority_});
  actions.push_back(AcquireAddresses{});
  announce(announcements_.on_active(now), actions);
}

void StateMachine::become_backup(Instant now) {
  state_ = State::backup;
  leave_at_.reset();
  taken_ = false;
  preempt_from_.reset();
  hears_active_until_.reset();
  patience_ = Patience::usual;
  awaited_ = Awaited::silence;
  announcements_.on_inactive();
  timer_ = now + active_down_interval();
}

void StateMachine::step_down(Instant now, Actions& actions) {
  actions.push_back(ReleaseAddresses{});
  become_backup(now);
}

void StateMachine::leave(AfterLeaving then, Instant now, Actions& actions) {
  after_leaving_ = then;
  if (is_leaving()) {
    return;
  }
  leave_at_ = now + std::max(kFarewellPatience, interval_);  // a backup's skew is shorter than both
  timer_ = now + interval_;
  actions.push_back(SendAdvert{kLeaving});
}

/// The peer has the addresses; its neighbours hear of it in a moment.
void StateMachine::linger(Instant now) {
  taken_ = true;
  leave_at_ = std::min(*leave_at_, now + kLinger);
}

/// Nobody has taken what was handed over: better here than nowhere.
void StateMachine::stay(Instant now, Actions& actions) {
  leave_at_.reset();
  actions.push_back(SendAdvert{priority_});
  timer_ = now + interval_;
}

void StateMachine::let_go(Instant now, Actions& actions) {
  actions.push_back(ReleaseAddresses{});
  become_backup(now);
  if (after_leaving_ == AfterLeaving::initialize) {
    state_ = State::initialize;
  } else {
    handed_over_ = true;
  }
}

void StateMachine::listen_to(const Advert& advert, Instant now) {
  if (advert.priority >= priority_) {
    handed_over_ = false;  // the better one has it: from here on the usual rules hold
  }
  active_interval_ = advert.interval;
  timer_ = now + active_down_interval();
  hears_active_until_ = now + kAdvertsAlive * active_interval_;
  patience_ = Patience::usual;
  awaited_ = Awaited::silence;
}

}  // namespace tandem::vrrp
