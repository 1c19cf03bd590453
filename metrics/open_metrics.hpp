#pragma once

#include <string>
#include <vector>

namespace prometheus {
struct MetricFamily;
}

namespace tandem::metrics {

/// Writes counters, gauges and histograms in OpenMetrics 1.0.0, which prometheus-cpp does not: a counter's family is
/// named without `_total`, numbers in `le` are canonical ("1.0"), and `# EOF` ends the text.
[[nodiscard]] std::string open_metrics(const std::vector<prometheus::MetricFamily>& families);

}  // namespace tandem::metrics
