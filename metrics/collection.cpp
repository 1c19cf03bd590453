#include "metrics/collection.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/check.hpp"

namespace tandem::metrics {

namespace {

std::array<std::string, MetricDescription::kLabelsMax> filled(Metric metric, Collection::Labels labels) {
  check(labels.size() == describe(metric).label_count(), "a sample has as many label values as the catalog names");
  std::array<std::string, MetricDescription::kLabelsMax> out;
  std::copy(labels.begin(), labels.end(), out.begin());
  return out;
}

}  // namespace

void Collection::add(Metric metric, Labels labels, double value) {
  check(describe(metric).type != MetricType::histogram, "a histogram's value is a HistogramValue");
  samples_[static_cast<std::size_t>(metric)].push_back(Sample{filled(metric, labels), value});
}

void Collection::add(Metric metric, Labels labels, HistogramValue value) {
  check(describe(metric).type == MetricType::histogram, "only a histogram takes a HistogramValue");
  histograms_[static_cast<std::size_t>(metric)].push_back(HistogramSample{filled(metric, labels), std::move(value)});
}

void Collection::add_state(Metric metric, Labels labels, std::span<const std::string_view> states,
                           std::string_view current) {
  check(labels.size() + 1 == describe(metric).label_count(), "the state is the last label");
  std::array<std::string, MetricDescription::kLabelsMax> values;
  std::copy(labels.begin(), labels.end(), values.begin());
  std::vector<Sample>& samples = samples_[static_cast<std::size_t>(metric)];
  for (const std::string_view state : states) {
    values[labels.size()] = state;
    samples.push_back(Sample{values, state == current ? 1.0 : 0.0});
  }
}

const std::vector<Sample>& Collection::samples(Metric metric) const {
  return samples_[static_cast<std::size_t>(metric)];
}

const std::vector<HistogramSample>& Collection::histograms(Metric metric) const {
  return histograms_[static_cast<std::size_t>(metric)];
}

}  // namespace tandem::metrics
