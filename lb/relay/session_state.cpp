#include "lb/relay/session_state.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace tandem::lb::relay {

namespace {

bool may_follow(Phase phase, Phase next) {
  if (next == Phase::closed) {
    return phase != Phase::closed;
  }
  switch (phase) {
    case Phase::header: return next == Phase::choosing;
    case Phase::choosing: return next == Phase::header || next == Phase::waiting || next == Phase::connecting;
    case Phase::waiting: return next == Phase::choosing;
    case Phase::connecting: return next == Phase::choosing || next == Phase::relaying;
    case Phase::relaying: return next == Phase::flushing;
    case Phase::flushing:
    case Phase::closed: return false;
  }
  return false;
}

}  // namespace

void SessionState::enter(Phase next) {
  check(may_follow(phase_, next), "a session goes from step to step in order");
  phase_ = next;
}

Step SessionState::on_fin(End end) {
  if (finished_[index(end)]) {
    return Step::none;
  }
  finished_[index(end)] = true;
  if (finished_[index(other(end))]) {
    set_cause(end == End::client ? Cause::backend_fin : Cause::client_fin);  // who ended first
    return Step::close;
  }
  return Step::pass_fin;
}

Step SessionState::on_reset(End end) {
  set_cause(end == End::client ? Cause::client_reset : Cause::backend_reset);
  return Step::reset;
}

Silence SessionState::silence(const ListenerOptions& options) const noexcept {
  const Duration half_close_timeout = std::min(options.half_close_timeout, options.idle_timeout);
  if (dying_) {
    const Cause cause = *dying_ == End::client ? Cause::client_reset : Cause::backend_reset;
    return {last_bytes_ + half_close_timeout, cause, Step::reset};
  }
  const bool client_finished = finished(End::client);
  if (client_finished || finished(End::backend)) {
    const Cause cause = client_finished ? Cause::backend_idle : Cause::client_idle;
    return {last_bytes_ + half_close_timeout, cause, Step::reset};
  }
  // the end that owes an answer
  const Cause cause = last_from_ == End::client ? Cause::backend_idle : Cause::client_idle;
  return {last_bytes_ + options.idle_timeout, cause, Step::close};
}

}  // namespace tandem::lb::relay
