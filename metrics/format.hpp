#pragma once

#include <cstdint>
#include <string_view>

namespace tandem::metrics {

/// How an exposition is written.
enum class Format : std::uint8_t {
  text,          // Prometheus text format 0.0.4
  open_metrics,  // OpenMetrics 1.0.0
};

/// The format that a client's Accept header prefers; text when it says nothing of either.
[[nodiscard]] Format choose_format(std::string_view accept);

/// The Content-Type of an exposition.
[[nodiscard]] std::string_view content_type(Format format) noexcept;

}  // namespace tandem::metrics
