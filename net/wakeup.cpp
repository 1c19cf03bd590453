#include "net/wakeup.hpp"

#include <sys/eventfd.h>

#include "base/check.hpp"

namespace tandem::net {

Wakeup::Wakeup() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  check(static_cast<bool>(fd_), "a wakeup needs a file descriptor");
}

void Wakeup::wake() noexcept {
  // fails only when the count would pass 2^64 - 2
  static_cast<void>(::eventfd_write(fd_.get(), 1));
}

void Wakeup::on_events(std::uint32_t) {}

}  // namespace tandem::net
