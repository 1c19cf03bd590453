#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/guarded.hpp"

namespace tandem::app {

/// A bounded queue into a thread that runs an io_context. Messages that come while it is busy are handed over together,
/// so that a burst costs one wake-up and one step. Outlives the io_context's run.
template <class Message>
class Inbox {
 public:
  using OnMessages = std::function<void(const std::vector<Message>&)>;

  Inbox(boost::asio::io_context& context, std::size_t limit, OnMessages on_messages)
      : context_(context), limit_(limit), on_messages_(std::move(on_messages)) {}

  /// Any thread. A message beyond the limit is lost and counted.
  void send(Message message) {
    enum class Outcome { first, queued, lost };
    const Outcome outcome = waiting_.with([&](std::vector<Message>& waiting) {
      if (waiting.size() >= limit_) {
        return Outcome::lost;
      }
      waiting.push_back(std::move(message));
      return waiting.size() == 1 ? Outcome::first : Outcome::queued;
    });
    if (outcome == Outcome::first) {
      boost::asio::post(
          context_, [this] { on_messages_(waiting_.with([](auto& waiting) { return std::exchange(waiting, {}); })); });
    } else if (outcome == Outcome::lost) {
      overflows_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a count, orders nothing
    }
  }

  [[nodiscard]] std::uint64_t overflows() const { return overflows_.load(std::memory_order_relaxed); }

 private:
  boost::asio::io_context& context_;
  std::size_t limit_;
  OnMessages on_messages_;
  Guarded<std::vector<Message>> waiting_;
  std::atomic<std::uint64_t> overflows_{0};
};

}  // namespace tandem::app
