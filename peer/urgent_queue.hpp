#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "peer/message.hpp"

namespace tandem::peer {

using Urgent = std::variant<Leaving, Active>;

/// What may not wait, from any threads to the link's. Lock-free, of fixed size, and nothing is allocated: the thread
/// that holds the addresses writes here. After D. Vyukov's bounded queue: a slot's `turn` says whose turn it is.
class UrgentQueue {
 public:
  static constexpr std::size_t kCapacity = 1024;  // both messages of every router of both families

  UrgentQueue() noexcept {
    for (std::size_t i = 0; i < kCapacity; ++i) {
      slots_[i].turn.store(i, std::memory_order_relaxed);  // nobody else can see it yet
    }
  }

  /// Any thread. False when full, which is counted.
  bool try_push(const Urgent& urgent) noexcept {
    std::uint64_t position = write_.load(std::memory_order_relaxed);  // a guess, proved by the slot
    for (;;) {
      Slot& slot = slots_[position % kCapacity];
      const std::uint64_t turn = slot.turn.load(std::memory_order_acquire);  // pairs with take(): the slot is read out
      if (turn == position) {
        if (write_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
          slot.urgent = urgent;
          slot.turn.store(position + 1, std::memory_order_release);  // the message is in it
          return true;
        }
      } else if (turn < position) {
        overflows_.fetch_add(1, std::memory_order_relaxed);  // a count, it orders nothing
        return false;
      } else {
        position = write_.load(std::memory_order_relaxed);
      }
    }
  }

  /// The link's thread only, in the order of arrival.
  std::optional<Urgent> take() noexcept {
    Slot& slot = slots_[read_ % kCapacity];
    if (slot.turn.load(std::memory_order_acquire) != read_ + 1) {  // pairs with try_push()
      return std::nullopt;
    }
    const Urgent urgent = slot.urgent;
    slot.turn.store(read_ + kCapacity, std::memory_order_release);  // free for the writer one round later
    ++read_;
    return urgent;
  }

  [[nodiscard]] std::uint64_t overflows() const noexcept { return overflows_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    std::atomic<std::uint64_t> turn{0};
    Urgent urgent;
  };

  std::array<Slot, kCapacity> slots_;
  alignas(64) std::atomic<std::uint64_t> write_{0};
  std::atomic<std::uint64_t> overflows_{0};
  alignas(64) std::uint64_t read_ = 0;
};

}  // namespace tandem::peer
