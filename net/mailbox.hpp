#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "net/wakeup.hpp"

namespace tandem::net {

/// Messages to one thread from many, at most `capacity` of them waiting. The reader adds wakeup() to its reactor and
/// calls take() every turn, which costs one load while nothing is there.
template <class Message>
class Mailbox {
 public:
  explicit Mailbox(std::size_t capacity) : capacity_(capacity) { waiting_.reserve(capacity); }

  /// Any thread. False when full; the message is then untouched.
  [[nodiscard]] bool try_push(Message& message) {
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.size() >= capacity_) {
        overflows_.fetch_add(1, std::memory_order_relaxed);  // a count, it orders nothing
        return false;
      }
      waiting_.push_back(std::move(message));
      if (pending_.exchange(true, std::memory_order_release)) {
        return true;  // the reader has been woken and has not looked yet
      }
    }
    wakeup_.wake();
    return true;
  }

  /// The reader only: moves all messages to `out`, in the order of their arrival; `out` is emptied first.
  void take(std::vector<Message>& out) {
    out.clear();
    if (!pending_.load(std::memory_order_acquire)) {  // acquire: pairs with the exchange in try_push
      return;
    }
    const std::lock_guard lock(mutex_);
    out.swap(waiting_);
    waiting_.reserve(capacity_);
    pending_.store(false, std::memory_order_relaxed);  // under the lock, which orders it
  }

  /// How often it was full.
  [[nodiscard]] std::uint64_t overflows() const noexcept { return overflows_.load(std::memory_order_relaxed); }
  [[nodiscard]] Wakeup& wakeup() noexcept { return wakeup_; }

 private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::vector<Message> waiting_;
  std::atomic<bool> pending_{false};
  std::atomic<std::uint64_t> overflows_{0};
  Wakeup wakeup_;
};

}  // namespace tandem::net
