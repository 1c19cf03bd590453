#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "base/time.hpp"
#include "net/fd.hpp"

namespace tandem::net {

/// Told what a socket is ready for. Must stay alive until the turn is over in which its socket was closed: an event
/// for it may have been fetched already.
class EventHandler {
 public:
  virtual void on_events(std::uint32_t events) = 0;

 protected:
  ~EventHandler() = default;
};

/// Edge-triggered epoll. A socket is added once, for everything, and leaves by being closed; no other epoll_ctl.
/// One thread.
class Reactor {
 public:
  static constexpr std::size_t kEventsMax = 256;  // of one turn

  /// Ends the program when the kernel has no epoll to give.
  Reactor();

  /// EPOLLIN, EPOLLOUT and EPOLLRDHUP from now on, edge-triggered. False: errno says why.
  [[nodiscard]] bool add(const Fd& socket, EventHandler& handler) noexcept;
  /// Waits at most `timeout`, rounded up to milliseconds. The events are good until the next call.
  [[nodiscard]] std::span<const epoll_event> wait(Duration timeout) noexcept;
  static void dispatch(const epoll_event& event) {
    static_cast<EventHandler*>(event.data.ptr)->on_events(event.events);
  }

 private:
  Fd epoll_;
  std::array<epoll_event, kEventsMax> events_{};
};

}  // namespace tandem::net
