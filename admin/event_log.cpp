#include "admin/event_log.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"

namespace tandem::admin {

EventLog::EventLog(std::size_t capacity) : capacity_(capacity) {
  check(capacity > 0, "an event log keeps at least one event");
}

void EventLog::append(WallTime at, LogEvent event) {
  ++newest_;
  if (events_.size() == capacity_) {
    events_.pop_front();
  }
  events_.push_back(Event{newest_, at, std::move(event)});
  std::erase_if(listeners_, [](const std::weak_ptr<Listener>& listener) { return listener.expired(); });
  const Event told = events_.back();
  const auto listeners = listeners_;  // a listener may subscribe another meanwhile
  for (const std::weak_ptr<Listener>& listener : listeners) {
    if (const auto alive = listener.lock()) {
      (*alive)(told);
    }
  }
}

std::vector<Event> EventLog::since(std::uint64_t since) const {
  if (since > newest_) {
    since = 0;
  }
  const auto first = std::find_if(events_.begin(), events_.end(), [&](const Event& event) { return event.id > since; });
  return {first, events_.end()};
}

EventLog::Subscription EventLog::subscribe(Listener listener) {
  auto shared = std::make_shared<Listener>(std::move(listener));
  listeners_.push_back(shared);
  return Subscription(std::move(shared));
}

}  // namespace tandem::admin
