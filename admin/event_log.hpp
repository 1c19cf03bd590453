#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/log.hpp"
#include "base/time.hpp"

namespace tandem::admin {

/// Something that happened, numbered from 1 without gaps.
struct Event {
  std::uint64_t id = 0;
  WallTime at{};
  LogEvent what;
};

/// The last events, for `/api/v1/events`, and who wants to hear of new ones. Forgets the oldest when full. One thread.
class EventLog {
 public:
  using Listener = std::function<void(const Event&)>;

  /// Hears of events as long as it lives; the log may go first.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&&) noexcept = default;
    Subscription& operator=(Subscription&&) noexcept = default;
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    ~Subscription() = default;

   private:
    friend class EventLog;
    explicit Subscription(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}

    std::shared_ptr<Listener> listener_;
  };

  explicit EventLog(std::size_t capacity = 1000);

  /// Numbers the event, keeps it and tells the subscribers, who may end their subscriptions meanwhile.
  void append(WallTime at, LogEvent event);
  /// Events with an id above `since`, oldest first. A `since` above the newest id is another run's: all events.
  [[nodiscard]] std::vector<Event> since(std::uint64_t since) const;
  /// The id of the last event; 0: none yet.
  [[nodiscard]] std::uint64_t newest() const { return newest_; }
  [[nodiscard]] Subscription subscribe(Listener listener);

 private:
  std::size_t capacity_;
  std::uint64_t newest_ = 0;
  std::deque<Event> events_;
  std::vector<std::weak_ptr<Listener>> listeners_;
};

}  // namespace tandem::admin
