#include "metrics/open_metrics.hpp"

#include <prometheus/metric_family.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

namespace tandem::metrics {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;

constexpr std::string_view kTotal = "_total";
constexpr double kIntegersExactBelow = 9007199254740992.0;  // 2^53

void append_escaped(std::string& out, std::string_view text) {
  for (const char character : text) {
    if (character == '\n') {
      out += "\\n";
      continue;
    }
    if (character == '\\' || character == '"') {
      out += '\\';
    }
    out += character;
  }
}

void append_integer(std::string& out, std::uint64_t number) {
  std::array<char, 24> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  out.append(buffer.data(), end);
}

void append_number(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "NaN";
    return;
  }
  if (std::isinf(number)) {
    out += number > 0 ? "+Inf" : "-Inf";
    return;
  }
  if (number >= 0 && number < kIntegersExactBelow && number == std::floor(number)) {
    append_integer(out, static_cast<std::uint64_t>(number));
    return;
  }
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  out.append(buffer.data(), end);
}

/// OpenMetrics, "Considerations: Canonical Numbers": 1.0 and 0.0001, never 1 or 1e-4, for what buckets use.
void append_bound(std::string& out, double bound) {
  std::array<char, 400> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), bound, std::chars_format::fixed).ptr;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  out += text;
  if (text.find('.') == std::string_view::npos) {
    out += ".0";
  }
}

void append_labels(std::string& out, const ClientMetric& metric) {
  bool first = true;
  for (const ClientMetric::Label& label : metric.label) {
    out += first ? "" : ",";
    first = false;
    out += label.name;
    out += "=\"";
    append_escaped(out, label.value);
    out += '"';
  }
}

void append_head(std::string& out, std::string_view name, std::string_view suffix, const ClientMetric& metric) {
  out += name;
  out += suffix;
  if (!metric.label.empty()) {
    out += '{';
    append_labels(out, metric);
    out += '}';
  }
  out += ' ';
}

void append_bucket(std::string& out, std::string_view name, const ClientMetric& metric, double bound,
                   std::uint64_t count) {
  out += name;
  out += "_bucket{";
  append_labels(out, metric);
  out += metric.label.empty() ? "le=\"" : ",le=\"";
  if (std::isinf(bound)) {
    out += "+Inf";
  } else {
    append_bound(out, bound);
  }
  out += "\"} ";
  append_integer(out, count);
  out += '\n';
}

void append_histogram(std::string& out, std::string_view name, const ClientMetric& metric) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  bool has_infinity = false;
  for (const ClientMetric::Bucket& bucket : metric.histogram.bucket) {
    append_bucket(out, name, metric, bucket.upper_bound, bucket.cumulative_count);
    has_infinity = std::isinf(bucket.upper_bound);
  }
  if (!has_infinity) {
    append_bucket(out, name, metric, infinity, metric.histogram.sample_count);
  }
  append_head(out, name, "_count", metric);
  append_integer(out, metric.histogram.sample_count);
  out += '\n';
  append_head(out, name, "_sum", metric);
  append_number(out, metric.histogram.sample_sum);
  out += '\n';
}

void append_family(std::string& out, const MetricFamily& family) {
  std::string_view name = family.name;
  std::string_view type = "gauge";
  if (family.type == prometheus::MetricType::Counter) {
    type = "counter";
    if (name.ends_with(kTotal)) {
      name.remove_suffix(kTotal.size());
    }
  } else if (family.type == prometheus::MetricType::Histogram) {
    type = "histogram";
  }
  out.append("# HELP ").append(name).append(" ");
  append_escaped(out, family.help);
  out.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
  for (const ClientMetric& metric : family.metric) {
    if (type == "histogram") {
      append_histogram(out, name, metric);
      continue;
    }
    append_head(out, name, type == "counter" ? kTotal : "", metric);
    append_number(out, type == "counter" ? metric.counter.value : metric.gauge.value);
    out += '\n';
  }
}

}  // namespace

std::string open_metrics(const std::vector<MetricFamily>& families) {
  std::string out;
  for (const MetricFamily& family : families) {
    append_family(out, family);
  }
  out += "# EOF\n";
  return out;
}

}  // namespace tandem::metrics
