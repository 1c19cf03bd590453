#include "healthcheck/tracker.hpp"

namespace tandem::healthcheck {

void Tracker::take(const Verdict& verdict) {
  if (verdict.reachable) {
    standing_ = verdict;
    return;
  }
  // Role evidence ages: what does not answer is not a primary any more.
  standing_ = Verdict{};
  standing_.reason = verdict.reason;
}

bool Tracker::on_verdict(const Verdict& verdict) {
  const bool first = !known_;
  const bool was_up = up();
  const Role role_before = standing_.role;
  known_ = true;
  if (first || verdict.reachable == was_up) {
    contrary_ = 0;
    take(verdict);
    return first || standing_.role != role_before;
  }
  ++contrary_;
  if (contrary_ >= (was_up ? thresholds_.fall : thresholds_.rise)) {
    contrary_ = 0;
    take(verdict);
    return true;
  }
  standing_.reason = verdict.reason;
  if (was_up && verdict.role_definite) {
    // It answered for itself, so this needs no counting; but nobody becomes primary without being reachable.
    standing_.role = verdict.role == Role::primary && role_before != Role::primary ? Role::none : verdict.role;
  }
  return standing_.role != role_before;
}

}  // namespace tandem::healthcheck
