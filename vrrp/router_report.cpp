#include "vrrp/router.hpp"

namespace tandem::vrrp {

void Router::report(const Standing& standing, Moment moment) {
  const Inabilities added = standing.inabilities & ~standing_.inabilities;
  for (std::size_t place = 0; place < kInabilityCount; ++place) {
    if (added[place]) {
      Event unable = event(EventKind::unable, moment);
      unable.inability = static_cast<Inability>(place);
      unable.detail = standing.details.at(place);
      emit(unable);
    }
  }
  if (standing.is_able() && !standing_.is_able()) {
    emit(event(EventKind::able, moment));
  }
}

/// The first of what it cannot do without.
void Router::explain(Event& changed) const {
  changed.inability = Inability::interface_missing;  // unless something else was found out before
  for (std::size_t place = kInabilityCount; place-- > 0;) {
    if (standing_.inabilities[place]) {
      changed.inability = static_cast<Inability>(place);
      changed.detail = standing_.details.at(place);
    }
  }
}

Event Router::event(EventKind kind, Moment moment) const {
  Event result;
  result.kind = kind;
  result.instance = index_;
  result.priority = machine_.priority();
  result.at = moment.now;
  result.from = machine_.state();
  result.to = machine_.state();
  return result;
}

void Router::emit(const Event& event) const {
  if (hooks_.on_event) {
    hooks_.on_event(event);
  }
}

InstanceFacts Router::facts() const {
  InstanceFacts facts;
  static_cast<InstanceCounters&>(facts) = counters_;
  facts.state = machine_.state();
  facts.leaving = machine_.is_leaving();
  facts.holds_addresses = port_.addresses && port_.addresses->any();
  facts.priority = machine_.priority();
  facts.since = since_;
  facts.source = source_of(options_, circumstances_.interface);
  facts.active_router = active_router_;
  facts.active_priority = active_priority_;
  facts.last_heard = last_heard_;
  facts.heard_nobody = heard_nobody_ && !last_heard_;
  facts.contested = contest_.is_contested();
  return facts;
}

}  // namespace tandem::vrrp
