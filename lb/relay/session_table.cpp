#include "lb/relay/session_table.hpp"

namespace tandem::lb::relay {

Session& SessionTable::create() {
  std::uint32_t slot = slots();
  if (free_.empty()) {
    slots_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  std::unique_ptr<Seat> seat;
  if (spare_.empty()) {
    seat = std::make_unique<Seat>();
  } else {
    seat = std::move(spare_.back());
    spare_.pop_back();
  }
  Session& session = seat->session.emplace();
  session.slot = slot;
  slots_[slot] = std::move(seat);
  return session;
}

void SessionTable::sweep() {
  for (const std::uint32_t slot : retired_) {
    std::unique_ptr<Seat> seat = std::move(slots_[slot]);
    seat->session.reset();
    if (spare_.size() < kSpareMax) {
      spare_.push_back(std::move(seat));
    }
    free_.push_back(slot);
  }
  retired_.clear();
}

}  // namespace tandem::lb::relay
