#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/time.hpp"
#include "metrics/counter.hpp"

namespace tandem::metrics {

/// A histogram's contents at one moment, in Prometheus' terms: cumulative counts per upper bound in seconds.
struct HistogramValue {
  std::vector<double> bounds;             // seconds; +Inf is implied
  std::vector<std::uint64_t> cumulative;  // one per bound, then the total for +Inf
  double sum = 0;                         // seconds

  /// Adds another histogram of the same bounds, such as another worker's.
  HistogramValue& operator+=(const HistogramValue& other);
};

/// Durations in fixed buckets, 1-2.5-5 steps from 100 microseconds to 10 000 seconds. One thread writes, any reads.
class DurationHistogram {
 public:
  static constexpr std::size_t kBuckets = 25;

  void observe(Duration duration) noexcept;
  [[nodiscard]] HistogramValue value() const;

 private:
  std::array<Counter, kBuckets + 1> counts_;  // not cumulative; the last is everything longer
  Counter nanoseconds_;
};

}  // namespace tandem::metrics
