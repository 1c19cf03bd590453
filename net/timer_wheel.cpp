#include "net/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace tandem::net {

void Timer::unlink() noexcept {
  if (next_ != nullptr) {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = nullptr;
    previous_ = nullptr;
  }
}

TimerWheel::TimerWheel(Instant start) : start_(start) {
  const auto make_ring = [](Slot& slot) {
    slot.next_ = &slot;
    slot.previous_ = &slot;
  };
  for (auto& level : slots_) {
    std::for_each(level.begin(), level.end(), make_ring);
  }
  make_ring(due_);
}

TimerWheel::~TimerWheel() = default;

void TimerWheel::arm(Timer& timer, Instant deadline) noexcept {
  timer.unlink();
  const auto after = std::max(deadline - start_, Duration{0});
  timer.tick_ = static_cast<std::uint64_t>((after + kTick - Duration{1}) / kTick);
  place(timer);
}

void TimerWheel::place(Timer& timer) noexcept {
  constexpr std::uint64_t farthest = (std::uint64_t{1} << (kBits * kLevels)) - 1;
  Slot* slot = &due_;
  if (timer.tick_ > current_) {
    const std::uint64_t away = std::min(timer.tick_ - current_, farthest);
    const unsigned level = static_cast<unsigned>(std::bit_width(away) - 1) / kBits;
    const std::uint64_t index = ((current_ + away) >> (kBits * level)) % kSlots;
    slot = &slots_[level][index];
    used_[level] |= std::uint64_t{1} << index;
  }
  timer.previous_ = slot->previous_;
  timer.next_ = slot;
  slot->previous_->next_ = &timer;
  slot->previous_ = &timer;
}

void TimerWheel::cascade(unsigned level) noexcept {
  const std::uint64_t index = (current_ >> (kBits * level)) % kSlots;
  Slot& slot = slots_[level][index];
  used_[level] &= ~(std::uint64_t{1} << index);
  // a timer that comes back into this very slot must not be met again
  Timer* last = slot.previous_;
  for (Timer* timer = slot.next_; !empty(slot);) {
    Timer* next = timer->next_;
    const bool was_last = timer == last;
    timer->unlink();
    place(*timer);
    if (was_last) {
      break;
    }
    timer = next;
  }
}

std::optional<std::uint64_t> TimerWheel::next_tick() const noexcept {
  std::optional<std::uint64_t> earliest;
  for (unsigned level = 0; level < kLevels; ++level) {
    const std::uint64_t first = (current_ >> (kBits * level)) + 1;
    while (used_[level] != 0) {
      const auto ahead =
          static_cast<std::uint64_t>(std::countr_zero(std::rotr(used_[level], static_cast<int>(first % kSlots))));
      const std::uint64_t index = (first + ahead) % kSlots;
      if (empty(slots_[level][index])) {
        used_[level] &= ~(std::uint64_t{1} << index);  // its timers were cancelled
        continue;
      }
      const std::uint64_t tick = (first + ahead) << (kBits * level);
      earliest = earliest ? std::min(*earliest, tick) : tick;
      break;
    }
  }
  return earliest;
}

Timer* TimerWheel::expire(Instant now) noexcept {
  const std::uint64_t target = now <= start_ ? 0 : static_cast<std::uint64_t>((now - start_) / kTick);
  while (empty(due_)) {
    if (current_ >= target) {
      return nullptr;
    }
    const std::optional<std::uint64_t> next = next_tick();
    if (!next || *next > target) {
      current_ = target;
      return nullptr;
    }
    current_ = *next;
    for (unsigned level = kLevels - 1; level > 0; --level) {
      if (current_ % (std::uint64_t{1} << (kBits * level)) == 0) {
        cascade(level);
      }
    }
    cascade(0);
  }
  Timer* timer = due_.next_;
  timer->unlink();
  return timer;
}

std::optional<Instant> TimerWheel::next_deadline() const noexcept {
  if (!empty(due_)) {
    return start_ + kTick * static_cast<std::int64_t>(current_);
  }
  const std::optional<std::uint64_t> next = next_tick();
  if (!next) {
    return std::nullopt;
  }
  return start_ + kTick * static_cast<std::int64_t>(*next);
}

}  // namespace tandem::net
