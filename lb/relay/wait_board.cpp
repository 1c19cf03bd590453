#include "lb/relay/wait_board.hpp"

#include <algorithm>

namespace tandem::lb::relay {

void WaitBoard::set_head(PoolId entry, WorkerId worker, std::optional<Instant> since) {
  const std::lock_guard lock(mutex_);
  auto line = heads_.find(entry);
  if (line == heads_.end()) {
    if (!since) {
      return;
    }
    line = heads_.emplace(entry, std::vector<std::optional<Instant>>(workers_)).first;
  }
  std::optional<Instant>& head = line->second[number(worker)];
  if (head.has_value() != since.has_value()) {
    // seq_cst: whoever frees a slot either sees this line or the line's owner sees the slot
    lines_in_use_.fetch_add(since ? 1U : ~0U, std::memory_order_seq_cst);
  }
  head = since;
  const bool unused = std::none_of(line->second.begin(), line->second.end(), [](const auto& one) { return one; });
  if (unused) {
    heads_.erase(line);
  }
}

std::optional<WaitBoard::Place> WaitBoard::oldest(const std::function<bool(PoolId)>& interested) const {
  const std::lock_guard lock(mutex_);
  std::optional<Place> place;
  Instant since{};
  for (const auto& [entry, heads] : heads_) {
    if (!interested(entry)) {
      continue;
    }
    for (std::uint32_t worker = 0; worker < heads.size(); ++worker) {
      if (heads[worker] && (!place || *heads[worker] < since)) {
        place = Place{entry, WorkerId{worker}};
        since = *heads[worker];
      }
    }
  }
  return place;
}

}  // namespace tandem::lb::relay
