#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "healthcheck/verdict.hpp"

namespace tandem::healthcheck {

/// How far the write log of one cluster is known to reach: the yardstick for its replicas' lag. Pure. Positions count
/// within an epoch, and a newer epoch replaces an older one's.
class WriteLog {
 public:
  /// Takes in what a backend said, and fills in its lag where the probe left it open and it can be told.
  void on_verdict(Verdict& verdict, Instant now);

 private:
  bool learn(const Verdict& verdict, Instant now);

  std::optional<std::uint64_t> position_;
  std::uint64_t epoch_ = 0;
  Instant seen_{};
};

}  // namespace tandem::healthcheck
