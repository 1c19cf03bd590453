#pragma once

#include <memory>

#include "base/time.hpp"
#include "config/config.hpp"
#include "vrrp/will.hpp"

namespace tandem::app {

/// What the serving process shares with the one that watches it. Any thread, unless it says otherwise; nothing blocks
/// or allocates. In a process that nobody watches all of it does nothing.
class Lifeline {
 public:
  /// Nobody watches.
  Lifeline();
  ~Lifeline();
  Lifeline(Lifeline&&) noexcept;
  Lifeline& operator=(Lifeline&&) noexcept;

  /// It serves, and its signal handlers are there: from now on a death is followed by a new start, and SIGHUP, SIGUSR1
  /// and SIGUSR2 are passed on.
  void on_started();
  /// How long a silence of beat() means that the process hangs; zero: it may be silent for ever (the start).
  void expect_beats(Duration within);
  void beat(Instant now);
  /// One thread at a time. A reader never sees half a will.
  void deposit(const vrrp::Will& will);
  /// How the watcher writes its own few lines from now on.
  void log_as(config::LogFormat format);
  /// Becomes readable when the watcher has died; -1 when nobody watches.
  [[nodiscard]] int watcher_fd() const;

 private:
  friend class Watcher;
  struct Shared;
  explicit Lifeline(std::unique_ptr<Shared> shared);

  std::unique_ptr<Shared> shared_;
};

}  // namespace tandem::app
