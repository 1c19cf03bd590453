#include "lb/tenure.hpp"

#include <algorithm>
#include <chrono>

namespace tandem::lb {

namespace {

constexpr Duration kConfirmationMax = std::chrono::seconds(1);

}  // namespace

std::optional<Instant> Tenure::deadline() const {
  return clearing_ ? std::optional(clearing_->deadline) : std::nullopt;
}

Tenure::Step Tenure::advance(std::optional<BackendId> wanted, const Terms& terms) {
  Step step;
  const Clearing clearing{terms.version, terms.now + kConfirmationMax};
  if (holder_ && holder_ != wanted) {
    step.lost = holder_;
    ++generation_;
    if (terms.end_sessions) {
      step.sever.push_back({*holder_, *terms.end_sessions});
    } else {
      linger(*holder_);
    }
    holder_.reset();
    clearing_ = clearing;
  }
  if (holder_ || !wanted || clearing_) {
    return step;
  }
  take_lingering(*wanted);
  if (terms.end_others && !lingering_.empty()) {
    for (const BackendId other : lingering_) {
      step.sever.push_back({other, Cause::severed_role});
    }
    lingering_.clear();
    clearing_ = clearing;
    return step;
  }
  holder_ = wanted;
  step.admitted = wanted;
  return step;
}

void Tenure::linger(BackendId backend) {
  if (std::find(lingering_.begin(), lingering_.end(), backend) == lingering_.end()) {
    lingering_.push_back(backend);
  }
}

bool Tenure::take_lingering(BackendId backend) { return std::erase(lingering_, backend) > 0; }

bool Tenure::on_applied(std::uint64_t version) {
  if (!clearing_ || version < clearing_->version) {
    return false;
  }
  clearing_.reset();
  return true;
}

bool Tenure::on_deadline(Instant now) {
  if (!clearing_ || now < clearing_->deadline) {
    return false;
  }
  clearing_.reset();
  return true;
}

}  // namespace tandem::lb
