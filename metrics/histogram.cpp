#include "metrics/histogram.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace tandem::metrics {

namespace {

using namespace std::chrono_literals;

constexpr std::array<Duration, DurationHistogram::kBuckets> kBounds{
    100us,  250us, 500us, 1ms, 2500us, 5ms,  10ms, 25ms, 50ms,  100ms, 250ms, 500ms, 1s,
    2500ms, 5s,    10s,   25s, 50s,    100s, 250s, 500s, 1000s, 2500s, 5000s, 10000s};

}  // namespace

HistogramValue& HistogramValue::operator+=(const HistogramValue& other) {
  if (cumulative.empty()) {
    return *this = other;
  }
  check(bounds == other.bounds, "only histograms of the same bounds are added");
  for (std::size_t bucket = 0; bucket < cumulative.size(); ++bucket) {
    cumulative[bucket] += other.cumulative[bucket];
  }
  sum += other.sum;
  return *this;
}

void DurationHistogram::observe(Duration duration) noexcept {
  const auto bound = std::lower_bound(kBounds.begin(), kBounds.end(), duration);
  counts_[static_cast<std::size_t>(bound - kBounds.begin())].add();
  nanoseconds_.add(static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count())));
}

HistogramValue DurationHistogram::value() const {
  HistogramValue out;
  std::uint64_t total = 0;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    out.bounds.push_back(std::chrono::duration<double>(kBounds[bucket]).count());
    total += counts_[bucket].value();
    out.cumulative.push_back(total);
  }
  out.cumulative.push_back(total + counts_[kBuckets].value());
  out.sum = static_cast<double>(nanoseconds_.value()) / 1e9;
  return out;
}

}  // namespace tandem::metrics
