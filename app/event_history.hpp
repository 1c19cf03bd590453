#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/log.hpp"
#include "base/time.hpp"

namespace tandem::app {

/// What happened, with a number that only grows, so that a reader can ask for what came since.
struct PastEvent {
  std::uint64_t id = 0;  // from 1
  WallTime when{};
  LogEvent event;
};

/// The last events, the oldest forgotten first. Control thread.
class EventHistory {
 public:
  explicit EventHistory(std::size_t limit) : limit_(limit) {}

  const PastEvent& add(LogEvent event, WallTime when) {
    events_.push_back({++last_id_, when, std::move(event)});
    if (events_.size() > limit_) {
      events_.pop_front();
    }
    return events_.back();
  }

  /// Newest first, only those with a greater id.
  [[nodiscard]] std::vector<PastEvent> since(std::uint64_t id) const {
    std::vector<PastEvent> out;
    for (auto event = events_.rbegin(); event != events_.rend() && event->id > id; ++event) {
      out.push_back(*event);
    }
    return out;
  }

 private:
  std::size_t limit_;
  std::uint64_t last_id_ = 0;
  std::deque<PastEvent> events_;
};

}  // namespace tandem::app
