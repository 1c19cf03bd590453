#include "lb/relay/waiting_room.hpp"

#include "base/check.hpp"

namespace tandem::lb::relay {

void WaitingRoom::join(Session& session) {
  Line& line = lines_[session.entry_pool];
  Session* before = line.last;
  while (before != nullptr && before->arrived > session.arrived) {
    before = before->wait.previous;
  }
  Session* after = before != nullptr ? before->wait.next : line.first;
  session.wait.previous = before;
  session.wait.next = after;
  (before != nullptr ? before->wait.next : line.first) = &session;
  (after != nullptr ? after->wait.previous : line.last) = &session;
  if (line.first == &session) {
    publish(session.entry_pool, line);
  }
}

void WaitingRoom::leave(Session& session) {
  const auto found = lines_.find(session.entry_pool);
  check(found != lines_.end(), "who waits stands in a line");
  Line& line = found->second;
  const bool was_first = line.first == &session;
  Session* before = session.wait.previous;
  Session* after = session.wait.next;
  (before != nullptr ? before->wait.next : line.first) = after;
  (after != nullptr ? after->wait.previous : line.last) = before;
  session.wait.previous = nullptr;
  session.wait.next = nullptr;
  if (was_first) {
    publish(session.entry_pool, line);
  }
  if (line.first == nullptr) {
    lines_.erase(found);
  }
}

void WaitingRoom::publish(PoolId entry, const Line& line) {
  board_.set_head(entry, worker_, line.first != nullptr ? std::optional(line.first->arrived) : std::nullopt);
}

Session* WaitingRoom::head(PoolId entry) const {
  const auto found = lines_.find(entry);
  return found == lines_.end() ? nullptr : found->second.first;
}

Session* WaitingRoom::tail(PoolId entry) const {
  const auto found = lines_.find(entry);
  return found == lines_.end() ? nullptr : found->second.last;
}

void WaitingRoom::rest(PoolId entry, Instant until) {
  const auto found = lines_.find(entry);
  if (found != lines_.end()) {
    found->second.rests_until = until;
  }
}

bool WaitingRoom::rests(PoolId entry, Instant now) const {
  const auto found = lines_.find(entry);
  return found != lines_.end() && now < found->second.rests_until;
}

void WaitingRoom::end_rests() {
  for (auto& [entry, line] : lines_) {
    line.rests_until = Instant{};
  }
}

const std::vector<PoolId>& WaitingRoom::entries() {
  entries_.clear();
  for (const auto& [entry, line] : lines_) {
    entries_.push_back(entry);
  }
  return entries_;
}

}  // namespace tandem::lb::relay
