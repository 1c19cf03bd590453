#include "metrics/format.hpp"

#include <algorithm>

#include "metrics/accept.hpp"

namespace tandem::metrics {

Format choose_format(std::string_view accept) {
  double open_metrics = 0;
  double text = 0;
  for (const MediaRange& range : parse_accept(accept)) {
    const bool known_version = range.version.empty() || range.version == "1.0.0";
    if (range.is("application/openmetrics-text") && known_version) {
      open_metrics = std::max(open_metrics, range.quality);
    } else if (range.is("*/*") || range.is("text/*") || range.is("text/plain")) {
      text = std::max(text, range.quality);
    }
  }
  return open_metrics > 0 && open_metrics >= text ? Format::open_metrics : Format::text;
}

std::string_view content_type(Format format) noexcept {
  return format == Format::open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                        : "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace tandem::metrics
