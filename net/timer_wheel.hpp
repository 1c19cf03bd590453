#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace tandem::net {

/// Told when its time is up.
class TimerHandler {
 public:
  virtual void on_timer() = 0;

 protected:
  ~TimerHandler() = default;
};

/// A place in a TimerWheel; part of the thing that waits. Leaves the wheel when destroyed.
class Timer {
 public:
  explicit Timer(TimerHandler* handler) noexcept : handler_(handler) {}
  ~Timer() { unlink(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  [[nodiscard]] bool armed() const noexcept { return next_ != nullptr; }
  [[nodiscard]] TimerHandler& handler() const noexcept { return *handler_; }

 private:
  friend class TimerWheel;
  void unlink() noexcept;

  TimerHandler* handler_;
  std::uint64_t tick_ = 0;
  Timer* previous_ = nullptr;
  Timer* next_ = nullptr;
};

/// Many deadlines, cheap to set and to move: a hierarchy of five wheels of 64 slots, the finest of 1 ms. A deadline
/// never comes early and at most one tick late; one further than 12 days away is looked at again after that time.
/// Reads no clock, allocates nothing. One thread.
class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds{1};

  explicit TimerWheel(Instant start);
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Sets or moves the deadline.
  void arm(Timer& timer, Instant deadline) noexcept;
  static void cancel(Timer& timer) noexcept { timer.unlink(); }

  /// The next timer whose deadline is not after `now`, disarmed; null when there is none. Call until null; those armed
  /// meanwhile for a time already gone come too.
  Timer* expire(Instant now) noexcept;
  /// When to call expire() next, never later than the earliest deadline rounded up to a tick.
  [[nodiscard]] std::optional<Instant> next_deadline() const noexcept;

 private:
  static constexpr unsigned kLevels = 5;
  static constexpr unsigned kBits = 6;
  static constexpr std::uint64_t kSlots = 1U << kBits;

  void place(Timer& timer) noexcept;
  void cascade(unsigned level) noexcept;
  [[nodiscard]] std::optional<std::uint64_t> next_tick() const noexcept;
  [[nodiscard]] static bool empty(const Timer& slot) noexcept { return slot.next_ == &slot; }

  struct Slot : Timer {
    Slot() noexcept : Timer(nullptr) {}
  };

  Instant start_;
  std::uint64_t current_ = 0;  // every tick up to and including this one has been looked at
  std::array<std::array<Slot, kSlots>, kLevels> slots_;
  mutable std::array<std::uint64_t, kLevels> used_{};  // one bit per slot; a set bit may be stale
  Slot due_;
};

}  // namespace tandem::net
