#include "net/fd.hpp"

#include <unistd.h>

namespace tandem::net {

void Fd::close() noexcept {
  if (fd_ >= 0) {
    ::close(std::exchange(fd_, -1));  // Linux releases the number even on EINTR
  }
}

}  // namespace tandem::net
