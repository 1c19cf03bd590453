#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/result.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "vrrp/will.hpp"

namespace tandem::app {

/// What the serving process leaves for the one that watches it, in memory that both share. Atomics, and two wills of
/// which one is valid: a writer that is killed between any two instructions leaves the last whole one.
class LifeRecord {
 public:
  struct Unmap {
    void operator()(LifeRecord* record) const noexcept;
  };
  using Mapping = std::unique_ptr<LifeRecord, Unmap>;

  /// In anonymous shared memory, to be made before the fork. The error is the cause.
  static Result<Mapping> map();

  // The serving process. Any thread, but one at a time for the will.
  void on_started() { started_.store(true, std::memory_order_relaxed); }
  void expect_beats(Duration within, Instant now);
  void beat(Instant now) { beat_ns_.store(now.time_since_epoch().count(), std::memory_order_relaxed); }
  void log_as(config::LogFormat format) { format_.store(format, std::memory_order_relaxed); }
  /// True: this is the first one with something in it.
  bool deposit(const vrrp::Will& will);

  // The watcher. What is alone tells nothing about other memory, hence relaxed.
  [[nodiscard]] bool started() const { return started_.load(std::memory_order_relaxed); }
  [[nodiscard]] Duration bound() const { return Duration{bound_ns_.load(std::memory_order_acquire)}; }
  [[nodiscard]] Instant last_beat() const { return Instant{Duration{beat_ns_.load(std::memory_order_relaxed)}}; }
  [[nodiscard]] config::LogFormat log_format() const { return format_.load(std::memory_order_relaxed); }
  /// Whether there has been a will with something in it.
  [[nodiscard]] bool bequeathed() const { return bequeathed_.load(std::memory_order_relaxed); }
  /// Once the serving process is dead or cannot run any more.
  [[nodiscard]] const vrrp::Will& will() const;
  /// For the next life; the format of the log stays.
  void clear();

 private:
  explicit LifeRecord() = default;

  std::atomic<std::int64_t> beat_ns_{0};   // of CLOCK_MONOTONIC
  std::atomic<std::int64_t> bound_ns_{0};  // 0: silence is no matter
  std::atomic<bool> started_{false};
  std::atomic<bool> bequeathed_{false};
  std::atomic<config::LogFormat> format_{config::LogFormat::text};
  std::atomic<std::uint32_t> valid_{0};  // which of the wills
  std::array<vrrp::Will, 2> wills_{};

  // A lock would stay locked by the dead.
  static_assert(std::atomic<std::int64_t>::is_always_lock_free && std::atomic<config::LogFormat>::is_always_lock_free);
};

}  // namespace tandem::app
