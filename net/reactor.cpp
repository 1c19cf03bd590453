#include "net/reactor.hpp"

#include <algorithm>
#include <cerrno>

#include "base/check.hpp"

namespace tandem::net {

Reactor::Reactor() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  check(static_cast<bool>(epoll_), "a reactor needs a file descriptor");
}

bool Reactor::add(const Fd& socket, EventHandler& handler) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &handler;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &event) == 0;
}

std::span<const epoll_event> Reactor::wait(Duration timeout) noexcept {
  const auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(std::max(timeout, Duration{0})).count();
  const int milliseconds = static_cast<int>(std::min<std::int64_t>(rounded_up, 60'000));
  const int ready = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), milliseconds);
  if (ready < 0) {
    check(errno == EINTR, "epoll_wait fails only by a signal");
    return {};
  }
  return std::span(events_).first(static_cast<std::size_t>(ready));
}

}  // namespace tandem::net
