#pragma once

#include <sched.h>

#include <string>

namespace tandem::app {

/// A watcher must run when nothing else can: in real time, in memory that stays, the last one to be killed when memory
/// runs out. Each only where this process may; a host that forbids it still has a watcher, only a slower one.
class Precedence {
 public:
  /// Above the serving process' own real-time threads, so that one which spins cannot keep its watcher from ending it.
  static constexpr int kPriority = 50;

  /// Takes it, and keeps what was there before.
  Precedence();
  /// In a forked child: puts back what it was.
  void give_back() const;

 private:
  int policy_;
  sched_param parameters_{};
  int nice_;
  std::string oom_score_;  // as it was; empty where it cannot be read
};

}  // namespace tandem::app
