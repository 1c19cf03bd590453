#include "metrics/exporter.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <vector>

#include "metrics/open_metrics.hpp"

namespace tandem::metrics {

namespace {

prometheus::MetricType prometheus_type(MetricType type) {
  switch (type) {
    case MetricType::counter: return prometheus::MetricType::Counter;
    case MetricType::histogram: return prometheus::MetricType::Histogram;
    case MetricType::gauge: break;
  }
  return prometheus::MetricType::Gauge;
}

template <class Values>
prometheus::ClientMetric labelled(const MetricDescription& description, const Values& values) {
  prometheus::ClientMetric metric;
  const std::size_t count = description.label_count();
  metric.label.reserve(count);
  for (std::size_t label = 0; label < count; ++label) {
    metric.label.push_back({std::string(description.labels[label]), values[label]});
  }
  return metric;
}

prometheus::ClientMetric::Histogram prometheus_histogram(const HistogramValue& value) {
  prometheus::ClientMetric::Histogram out;
  out.sample_count = value.cumulative.empty() ? 0 : value.cumulative.back();
  out.sample_sum = value.sum;
  out.bucket.reserve(value.bounds.size());
  for (std::size_t bucket = 0; bucket < value.bounds.size(); ++bucket) {
    out.bucket.push_back({value.cumulative[bucket], value.bounds[bucket]});
  }
  return out;
}

prometheus::MetricFamily family_of(const MetricDescription& description, const Collection& collection) {
  prometheus::MetricFamily family;
  family.name = description.name;
  family.help = description.help;
  family.type = prometheus_type(description.type);
  for (const Sample& sample : collection.samples(description.metric)) {
    prometheus::ClientMetric& metric = family.metric.emplace_back(labelled(description, sample.labels));
    (description.type == MetricType::counter ? metric.counter.value : metric.gauge.value) = sample.value;
  }
  for (const HistogramSample& sample : collection.histograms(description.metric)) {
    prometheus::ClientMetric& metric = family.metric.emplace_back(labelled(description, sample.labels));
    metric.histogram = prometheus_histogram(sample.value);
  }
  return family;
}

}  // namespace

std::string expose(const Collection& collection, Format format) {
  std::vector<prometheus::MetricFamily> families;
  for (const MetricDescription& description : kCatalog) {
    prometheus::MetricFamily family = family_of(description, collection);
    if (!family.metric.empty()) {
      families.push_back(std::move(family));
    }
  }
  return format == Format::open_metrics ? open_metrics(families) : prometheus::TextSerializer().Serialize(families);
}

}  // namespace tandem::metrics
