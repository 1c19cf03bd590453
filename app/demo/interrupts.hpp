#pragma once

#include <csignal>

#include "net/fd.hpp"

namespace tandem::app::demo {

/// Ctrl-C, SIGTERM and SIGHUP as something to poll for, while this lives.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// How many have come, ever.
  unsigned count();
  bool came() { return count() > 0; }

 private:
  sigset_t before_{};
  net::Fd fd_;
  unsigned count_ = 0;
};

}  // namespace tandem::app::demo
