#pragma once

#include <cstdint>

#include "net/fd.hpp"
#include "net/reactor.hpp"

namespace tandem::net {

/// An eventfd that ends another thread's wait. Watched edge-triggered, so nobody needs to read it.
class Wakeup final : public EventHandler {
 public:
  /// Ends the program when there is no file descriptor left.
  Wakeup();

  /// Any thread.
  void wake() noexcept;
  /// Nothing to do: having ended the wait was the purpose.
  void on_events(std::uint32_t events) override;
  [[nodiscard]] const Fd& fd() const noexcept { return fd_; }

 private:
  Fd fd_;
};

}  // namespace tandem::net
