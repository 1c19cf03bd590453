#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace tandem::metrics {

/// A size that keeps what one thread writes off the lines that others write.
inline constexpr std::size_t kCacheLine = 64;

/// Counts up. One thread writes, any thread reads; adding costs a plain load and store.
class Counter {
 public:
  void add(std::uint64_t amount = 1) noexcept {
    // relaxed: a lone writer needs no read-modify-write, readers want only some recent value
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Goes up and down. One thread writes, any thread reads.
class Gauge {
 public:
  void add(std::int64_t amount) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void set(std::int64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// One T for each worker, each on cache lines of its own. Worker n writes [n], anyone reads all.
template <class T>
class PerWorker {
 public:
  explicit PerWorker(std::size_t workers) : count_(workers), slots_(std::make_unique<Slot[]>(workers)) {}

  T& operator[](std::size_t worker) noexcept { return slots_[worker].value; }
  const T& operator[](std::size_t worker) const noexcept { return slots_[worker].value; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }

  /// sum([](const T& one) { return one.accepted.value(); })
  template <class Get>
  [[nodiscard]] auto sum(Get&& get) const {
    decltype(get(slots_[0].value)) total{};
    for (std::size_t worker = 0; worker < count_; ++worker) {
      total += get(slots_[worker].value);
    }
    return total;
  }

 private:
  struct alignas(kCacheLine) Slot {
    T value;
  };

  std::size_t count_;
  std::unique_ptr<Slot[]> slots_;
};

}  // namespace tandem::metrics
