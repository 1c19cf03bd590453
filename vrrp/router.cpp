#include "vrrp/router.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/text.hpp"

namespace tandem::vrrp {
namespace {

constexpr Duration kRetryAfter = 5s;
constexpr Duration kReconcileEvery = 10s;
constexpr int kSuspicionIntervals = 3;  // of Active_Down_Interval without having heard anybody
constexpr std::uint8_t kRepairAnnouncements = 5;

std::optional<Instant> earlier(const std::optional<Instant>& left, const std::optional<Instant>& right) {
  if (!left || !right) {
    return left ? left : right;
  }
  return std::min(*left, *right);
}

Inabilities only(Inability inability) { return Inabilities().set(static_cast<std::size_t>(inability)); }

}  // namespace

template <class Input>
void Router::step(Cause cause, Moment moment, Input input) {
  Transition transition{machine_.state(), State::initialize, cause, machine_.is_leaving()};
  const bool was_taken = machine_.is_taken();
  const Actions actions = input(machine_);
  transition.to = machine_.state();
  if (machine_.is_leaving() && !transition.was_leaving) {
    leaving_cause_ = cause;
  }
  carry_out(actions, cause, moment);
  if (machine_.is_taken() && !was_taken) {
    emit(event(EventKind::handing_on, moment));
  }
  if (transition.was_leaving && transition.to == State::active && !machine_.is_leaving()) {
    stay(moment);
  }
  if (transition.from != transition.to) {
    on_transition(transition, moment);
  }
}

Router::Router(const Options& options, InstanceIndex index, Platform& platform, const NodeHooks& hooks)
    : options_(options),
      index_(index),
      platform_(platform),
      hooks_(hooks),
      machine_(options, IpAddress()),
      expectation_(expectation(options, IpAddress())),
      group_(group(key().family)),
      checksum_(options.checksum) {
  packet_.version = options.version;
  packet_.id = options.id;
  packet_.interval = options.interval;
  packet_.addresses = expectation_.addresses;
  if (options.password) {
    packet_.auth_type = AuthenticationType::password;
    packet_.password = *options.password;
  }
  if (options.authentication) {
    authentication_.emplace(*options.authentication, options.interval);
  }
}

RouterKey Router::key() const {
  const bool v4 = options_.addresses.empty() || options_.addresses.front().address.is_v4();
  return {v4 ? IpAddress::Family::v4 : IpAddress::Family::v6, options_.id};
}

Result<> Router::open() {
  look_at_interfaces();
  const InterfaceState& interface = circumstances_.interface;
  if (interface.index == 0 || !self_ || port_.transport) {
    return {};
  }
  auto port = platform_.open(options_);
  if (!port) {
    return Error{concat("vrrp \"", options_.name, "\": ", port.error().text)};
  }
  port_ = std::move(*port);
  opened_on_ = interface.index;
  will_changed_ = true;
  return {};
}

void Router::look_at_interfaces() {
  const Interfaces& interfaces = platform_.interfaces();
  circumstances_.interface = interfaces.find(options_.interface);
  for (std::size_t place = 0; place < std::min(options_.track_interfaces.size(), TrackedLinks().size()); ++place) {
    const InterfaceState tracked = interfaces.find(options_.track_interfaces[place].interface);
    circumstances_.links_down[place] = tracked.index == 0 || !tracked.up;
  }
  if (const auto source = source_of(options_, circumstances_.interface)) {
    set_self(*source);
  }
}

void Router::set_self(const IpAddress& self) {
  if (self_ == self) {
    return;
  }
  self_ = self;
  machine_.on_self(self);
  expectation_.self = self;
  will_changed_ = true;
}

void Router::on_interfaces(Moment moment) {
  const std::uint32_t index = platform_.interfaces().find(options_.interface).index;
  if (port_.transport && index != opened_on_) {
    close(moment);
  }
  if (const Result<> opened = open(); !opened) {
    on_address_error(opened.error(), moment);
  }
  reconcile(moment);
}

/// The interface is gone, or another one has its name.
void Router::close(Moment moment) {
  step(Cause::inability, moment,
       [&](StateMachine& machine) { return machine.on_shutdown(Farewell::at_once, moment.now); });
  port_ = {};
  opened_on_ = 0;
  will_changed_ = true;
}

Standing Router::standing(const ServiceState& service) const {
  Circumstances now = circumstances_;
  now.service = service;
  now.addresses_failed = retry_at_.has_value();
  now.shutting_down = shutting_down_;
  return assess(options_, now);
}

void Router::apply(const Standing& standing, Moment moment) {
  report(standing, moment);
  standing_ = standing;
  if (const Priority worth = effective(options_.priority, standing.penalty); worth != machine_.priority()) {
    expectation_.priority = worth;
    step(Cause::outranked, moment, [&](StateMachine& machine) { return machine.on_priority(worth, moment.now); });
    emit(event(EventKind::priority_changed, moment));
  }
  if (!standing.is_able()) {
    const bool stops = standing.inabilities == only(Inability::shutting_down);
    const auto farewell = stops ? Farewell::keep_until_taken : Farewell::at_once;
    const Cause cause = stops ? Cause::shutdown : Cause::inability;
    step(cause, moment, [&](StateMachine& machine) { return machine.on_shutdown(farewell, moment.now); });
    return;
  }
  if (machine_.state() == State::initialize && !standing.undecided && port_.transport) {
    const Cause cause = std::exchange(started_, true) ? Cause::recovered : Cause::start;
    step(cause, moment, [&](StateMachine& machine) { return machine.on_start(moment.now); });
  }
}

void Router::set_witness(Reach reach) {
  if (reach == Reach::unknown && witness_known_) {
    return;  // as far as is known, what was true still is
  }
  witness_known_ = reach != Reach::unknown;
  circumstances_.witness = reach;
}

void Router::hand_over(Moment moment) {
  step(Cause::handover, moment, [&](StateMachine& machine) { return machine.on_handover(moment.now); });
}

void Router::stop(Cause cause, Moment moment) {
  step(cause, moment, [&](StateMachine& machine) { return machine.on_shutdown(Farewell::at_once, moment.now); });
  if (port_.addresses && port_.addresses->any()) {
    release(moment);
  }
}

void Router::on_invited(Cause cause, Moment moment) {
  step(cause, moment, [&](StateMachine& machine) { return machine.on_invited(moment.now); });
}

void Router::on_taken(Moment moment) {
  step(Cause::taken, moment, [&](StateMachine& machine) { return machine.on_taken(moment.now); });
}

void Router::on_link_lost(Moment moment) {
  if (loss_.on_link_lost(moment.now)) {
    on_invited(Cause::farewell, moment);
  }
}

void Router::on_group_active(Moment moment) {
  step(Cause::sync_group, moment, [&](StateMachine& machine) { return machine.on_group_active(moment.now); });
}

void Router::on_group_yield(Patience patience, Moment moment) {
  said_leaving_ = true;  // nobody is invited: two groups that yield to one another would do so for ever
  step(Cause::sync_group, moment, [&](StateMachine& machine) { return machine.on_group_yield(patience, moment.now); });
}

void Router::adopt(const Options& options, InstanceIndex index) {
  const bool signs_otherwise = options.authentication != options_.authentication;
  const bool sums_otherwise = options.checksum != options_.checksum;
  options_ = options;
  index_ = index;
  machine_.on_preempt(options.preempt, options.preempt_delay);
  if (sums_otherwise) {
    checksum_ = ChecksumChoice(options.checksum);
  }
  if (signs_otherwise) {
    authentication_.reset();
    if (options.authentication) {
      authentication_.emplace(*options.authentication, options.interval);
    }
  }
  will_changed_ = will_changed_ || signs_otherwise || sums_otherwise;
  circumstances_.links_down.reset();
  look_at_interfaces();
}

void Router::notice_lateness(Moment moment) {
  if (const auto lasted = machine_.stood_still(moment.now)) {
    Event late = event(EventKind::late, moment);
    late.lasted = *lasted;
    emit(late);
  }
}

std::optional<Transition> Router::take_transition() { return std::exchange(transition_, std::nullopt); }

bool Router::take_will_changed() { return std::exchange(will_changed_, false); }

void Router::on_deadline(Moment moment) {
  if (const auto due = machine_.next_deadline(); due && *due <= moment.now) {
    step(deadline_cause(moment.now), moment, [&](StateMachine& machine) { return machine.on_deadline(moment.now); });
  }
  if (const auto lasted = contest_.on_deadline(moment.now)) {
    Event over = event(EventKind::contest_over, moment);
    over.other = contest_.other();
    over.lasted = *lasted;
    emit(over);
  }
  if (suspicious_at_ && *suspicious_at_ <= moment.now) {
    suspicious_at_.reset();
    if (!last_heard_ && !std::exchange(heard_nobody_, true)) {
      emit(event(EventKind::heard_nobody, moment));
    }
  }
  if (retry_at_ && *retry_at_ <= moment.now) {
    retry_at_.reset();
    if (const Result<> opened = open(); !opened) {
      on_address_error(opened.error(), moment);
    }
  }
  if (reconcile_at_ <= moment.now) {
    reconcile(moment);
  }
}

/// Why the step that is due changes the state, if it does.
Cause Router::deadline_cause(Instant now) const {
  if (machine_.stood_still(now)) {
    return Cause::late;
  }
  if (machine_.is_leaving()) {
    return machine_.is_taken() ? Cause::taken : leaving_cause_;
  }
  switch (machine_.awaited()) {
    case Awaited::farewell: return Cause::farewell;
    case Awaited::preemption: return Cause::preempt;
    case Awaited::silence: break;
  }
  return Cause::silence;
}

std::optional<Instant> Router::next_deadline() const {
  std::optional<Instant> next = earlier(machine_.next_deadline(), contest_.next_deadline());
  next = earlier(next, suspicious_at_);
  next = earlier(next, retry_at_);
  return earlier(next, reconcile_at_);
}

void Router::take(const Advert& advert, Moment moment) {
  last_heard_ = moment.now;
  heard_from_ = advert.source;
  if (advert.priority != kLeaving) {
    active_router_ = advert.source;
    active_priority_ = advert.priority;
    loss_.on_active_heard();
  } else if (active_router_ == advert.source) {
    active_router_.reset();
    active_priority_.reset();
  }
  const bool late = is_active() && machine_.stood_still(moment.now);
  const Cause cause = late ? Cause::late : machine_.is_leaving() ? Cause::taken : Cause::outranked;
  step(cause, moment, [&](StateMachine& machine) { return machine.on_advert(advert, moment.now); });
  if (advert.priority == kLeaving && loss_.on_farewell(moment.now)) {
    on_invited(Cause::farewell, moment);
  }
  if (is_active()) {
    active_router_.reset();
    active_priority_.reset();
  }
  heard_from_ = {};
}

void Router::carry_out(const Actions& actions, Cause cause, Moment moment) {
  for (const Action& action : actions) {
    if (const auto* advert = std::get_if<SendAdvert>(&action)) {
      send(advert->priority, moment);
      if (advert->priority == kLeaving && !std::exchange(said_leaving_, true) && hooks_.on_leaving) {
        hooks_.on_leaving(key());
      }
    } else if (std::holds_alternative<AcquireAddresses>(action)) {
      acquire(moment);
    } else if (std::holds_alternative<ReleaseAddresses>(action)) {
      release(moment);
    } else if (const auto* announcement = std::get_if<Announce>(&action)) {
      if (port_.addresses && !retry_at_) {
        port_.addresses->announce(announcement->repeat);
      }
    } else if (const auto* report = std::get_if<ReportContest>(&action)) {
      on_contest(*report, cause, moment);
    }
  }
}

/// Nobody took what was handed over.
void Router::stay(Moment moment) {
  said_leaving_ = false;
  emit(event(EventKind::kept, moment));
  if (hooks_.on_active) {
    hooks_.on_active(key());
  }
}

void Router::on_transition(const Transition& transition, Moment moment) {
  transition_ = transition;
  will_changed_ = true;
  ++counters_.transitions.at(static_cast<std::size_t>(transition.to));
  Event changed = event(EventKind::transition, moment);
  changed.from = transition.from;
  changed.to = transition.to;
  changed.cause = transition.cause;
  changed.other = heard_from_;
  if (transition.cause == Cause::inability) {
    explain(changed);
  }
  changed.lasted = since_ == Instant{} ? Duration::zero() : moment.now - since_;
  since_ = moment.now;
  suspicious_at_.reset();
  if (transition.to == State::active) {
    said_leaving_ = false;
    active_router_.reset();
    active_priority_.reset();
    contest_.on_active(moment.now, machine_.active_down_interval());
    if (!last_heard_) {
      suspicious_at_ = moment.now + kSuspicionIntervals * machine_.active_down_interval();
    }
  }
  emit(changed);
  if (transition.from == State::active) {
    if (const auto lasted = contest_.on_inactive(moment.now)) {
      Event over = event(EventKind::contest_over, moment);
      over.other = contest_.other();
      over.contest = Contest::lost;
      over.lasted = *lasted;
      emit(over);
    }
  }
  if (transition.to == State::active && !retry_at_ && hooks_.on_active) {
    hooks_.on_active(key());
  }
}

void Router::acquire(Moment moment) {
  will_changed_ = true;
  if (!port_.addresses) {
    return;
  }
  if (const Result<> acquired = port_.addresses->acquire(); !acquired) {
    on_address_error(acquired.error(), moment);
  }
}

void Router::release(Moment moment) {
  will_changed_ = true;
  if (!port_.addresses) {
    return;
  }
  if (const Result<> released = port_.addresses->release(); !released) {
    Event failed = event(EventKind::address_error, moment);
    const std::string& text = released.error().text;
    std::copy_n(text.begin(), std::min(text.size(), failed.text.size() - 1), failed.text.begin());
    emit(failed);
  }
}

/// The kernel refused: unable for a while, then it is tried again.
void Router::on_address_error(const Error& error, Moment moment) {
  retry_at_ = moment.now + kRetryAfter;
  Event failed = event(EventKind::address_error, moment);
  std::copy_n(error.text.begin(), std::min(error.text.size(), failed.text.size() - 1), failed.text.begin());
  emit(failed);
}

void Router::reconcile(Moment moment) {
  reconcile_at_ = moment.now + kReconcileEvery;
  if (!port_.addresses) {
    return;
  }
  const bool lacks = is_active() && !machine_.is_leaving() && !retry_at_ && !port_.addresses->complete();
  const bool has_left_over = !is_active() && port_.addresses->any();
  if (lacks) {
    acquire(moment);
    port_.addresses->announce(kRepairAnnouncements);
  } else if (has_left_over) {
    release(moment);
  }
  if (lacks || has_left_over) {
    emit(event(EventKind::repaired, moment));
  }
}

/// Being outranked once is how a better router takes over. It is a split brain where nobody preempts: then the other
/// one was active all along.
void Router::on_contest(const ReportContest& report, Cause cause, Moment moment) {
  const Duration patience = machine_.active_down_interval();
  const bool nobody_preempts = !contest_.is_contested() && cause == Cause::outranked &&
                               options_.preempt == Preempt::no && active_priority_ != kOwner;
  const bool counts = report.contest == Contest::won || nobody_preempts;
  if (counts && contest_.on_won(report.other, moment.now, patience) == Meeting::contested) {
    ++counters_.contests;
    Event contested = event(EventKind::contested, moment);
    contested.contest = report.contest;
    contested.other = report.other;
    emit(contested);
  }
}

}  // namespace tandem::vrrp
