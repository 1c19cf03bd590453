#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/guarded.hpp"

namespace tandem::app {

/// Like Inbox, for senders that may not allocate: the place for all messages is there from the start.
template <class Message>
class EventBox {
 public:
  using OnMessages = std::function<void(const std::vector<Message>&)>;

  EventBox(boost::asio::io_context& context, std::size_t limit, OnMessages on_messages)
      : limit_(limit), on_messages_(std::move(on_messages)), wakeup_(context, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    check(wakeup_.is_open(), "there is a descriptor for an eventfd");
    waiting_.with([&](std::vector<Message>& waiting) { waiting.reserve(limit); });
    taken_.reserve(limit);
    listen();
  }

  /// Any thread. A message beyond the limit is lost and counted.
  void send(const Message& message) {
    const bool room = waiting_.with([&](std::vector<Message>& waiting) {
      if (waiting.size() >= limit_) {
        return false;
      }
      waiting.push_back(message);
      return true;
    });
    if (!room) {
      overflows_.fetch_add(1, std::memory_order_relaxed);  // relaxed: a count, orders nothing
      return;
    }
    const std::uint64_t one = 1;
    static_cast<void>(::write(wakeup_.native_handle(), &one, sizeof one));  // full means that it is awake
  }

  /// Hands over what waits, now. The thread of the io_context.
  void flush() {
    taken_.clear();
    waiting_.with([&](std::vector<Message>& waiting) { taken_.swap(waiting); });
    if (!taken_.empty()) {
      on_messages_(taken_);
    }
  }

  [[nodiscard]] std::uint64_t overflows() const { return overflows_.load(std::memory_order_relaxed); }

 private:
  void listen() {
    wakeup_.async_read_some(boost::asio::buffer(count_), [this](const boost::system::error_code& error, std::size_t) {
      if (error) {
        return;
      }
      flush();
      listen();
    });
  }

  std::size_t limit_;
  OnMessages on_messages_;
  Guarded<std::vector<Message>> waiting_;
  std::vector<Message> taken_;
  std::array<std::uint64_t, 1> count_{};
  boost::asio::posix::stream_descriptor wakeup_;
  std::atomic<std::uint64_t> overflows_{0};
};

}  // namespace tandem::app
