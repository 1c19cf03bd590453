#pragma once

#include <string>

#include "metrics/collection.hpp"

namespace tandem::metrics {

/// Histogram buckets with something in them.
inline HistogramValue sample_histogram() {
  DurationHistogram histogram;
  histogram.observe(std::chrono::microseconds(150));
  histogram.observe(std::chrono::milliseconds(3));
  histogram.observe(std::chrono::seconds(20000));
  return histogram.value();
}

/// A sample of every metric of the catalog.
inline Collection full_collection() {
  Collection collection;
  for (const MetricDescription& metric : kCatalog) {
    const auto add = [&](auto value) {
      switch (metric.label_count()) {
        case 0: collection.add(metric.metric, {}, value); break;
        case 1: collection.add(metric.metric, {"a"}, value); break;
        case 2: collection.add(metric.metric, {"a", "b \"quoted\" \\ and\nbroken"}, value); break;
        default: collection.add(metric.metric, {"a", "b", "c"}, value); break;
      }
    };
    if (metric.type == MetricType::histogram) {
      add(sample_histogram());
    } else {
      add(1.5);
    }
  }
  return collection;
}

}  // namespace tandem::metrics
