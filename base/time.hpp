#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem {

using Duration = std::chrono::nanoseconds;
/// Monotonic time; drivers read it once per turn of their loop and pass it on.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;
/// Time of day, for people only.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

/// Reads "500ms", "2s", "1h", "1.5s"; units ns us ms s m h d. The error says what is wrong with the text.
Result<Duration> parse_duration(std::string_view text);

/// Shortest exact form with one unit: "1.5s", "250ms", "2m", "0s".
std::string to_string(Duration duration);

/// Rounded for people: about three significant digits, "12.4ms", "3.21s", "5m 12s".
std::string rounded(Duration duration);

/// RFC 3339 in UTC with milliseconds: "2026-01-31T12:00:00.000Z".
std::string to_string(WallTime time);

}  // namespace tandem
