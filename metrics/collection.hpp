#pragma once

#include <array>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/catalog.hpp"
#include "metrics/histogram.hpp"

namespace tandem::metrics {

/// One time series at one moment.
struct Sample {
  std::array<std::string, MetricDescription::kLabelsMax> labels;  // values, in the catalog's order
  double value = 0;
};

/// One histogram with its labels at one moment.
struct HistogramSample {
  std::array<std::string, MetricDescription::kLabelsMax> labels;
  HistogramValue value;
};

/// What one scrape shows: samples by metric, in the order they were added. Whoever knows the numbers fills it, the
/// exporter writes it out. A metric without samples does not appear.
class Collection {
 public:
  using Labels = std::initializer_list<std::string_view>;

  /// Label values are as many as the catalog names, in its order. The pair of metric and labels comes once.
  void add(Metric metric, Labels labels, double value);
  void add(Metric metric, Labels labels, HistogramValue value);
  /// A labelled set of 0/1 gauges: one sample per name of `states`, put in the metric's last label; 1 for `current`.
  void add_state(Metric metric, Labels labels, std::span<const std::string_view> states, std::string_view current);

  [[nodiscard]] const std::vector<Sample>& samples(Metric metric) const;
  [[nodiscard]] const std::vector<HistogramSample>& histograms(Metric metric) const;

 private:
  std::array<std::vector<Sample>, kCatalog.size()> samples_;
  std::array<std::vector<HistogramSample>, kCatalog.size()> histograms_;
};

}  // namespace tandem::metrics
