#include "base/time.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>

#include "base/text.hpp"

namespace tandem {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};

constexpr std::array<Unit, 7> kUnits{{{"d", 86'400'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000},
                                      {"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"ns", 1}}};

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const auto digits = text.find_first_not_of("0123456789.");
  const std::string_view number = text.substr(0, digits);
  const std::string_view unit = digits == std::string_view::npos ? std::string_view{} : text.substr(digits);
  if (number.empty()) {
    return Error{concat("\"", text, "\" is not a duration; write a number and a unit, like \"500ms\" or \"2s\"")};
  }
  if (unit.empty()) {
    return Error{concat("\"", text, "\" has no unit; write \"", text, "s\" for seconds or \"", text, "ms\"")};
  }
  for (const Unit& known : kUnits) {
    if (unit != known.name) {
      continue;
    }
    // Whole and fraction apart: a double would round 9007199254740993ns.
    const auto point = number.find('.');
    const std::string_view whole = number.substr(0, point);
    std::uint64_t count = 0;
    if (!whole.empty()) {
      const auto [end, failure] = std::from_chars(whole.data(), whole.data() + whole.size(), count);
      if (failure != std::errc{} || end != whole.data() + whole.size()) {
        return Error{concat("\"", text, "\" is too long a duration")};
      }
    }
    constexpr auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 2);
    if (count > limit / static_cast<std::uint64_t>(known.nanoseconds)) {
      return Error{concat("\"", text, "\" is too long a duration")};
    }
    auto nanoseconds = static_cast<std::int64_t>(count) * known.nanoseconds;
    if (point != std::string_view::npos) {
      const std::string_view fraction = number.substr(point + 1);
      if (fraction.empty() || fraction.find('.') != std::string_view::npos || whole.empty()) {
        return Error{concat("\"", text, "\" is not a duration; \"", number, "\" is no number")};
      }
      std::int64_t scale = known.nanoseconds;
      for (const char digit : fraction) {
        if (scale % 10 != 0 && scale < 10) {
          break;  // finer than a nanosecond
        }
        const std::int64_t step = scale / 10;
        nanoseconds += step * (digit - '0');
        scale = step;
      }
    }
    return Duration{nanoseconds};
  }
  return Error{concat("\"", text, "\" has the unknown unit \"", unit, "\"; there are: ns us ms s m h d")};
}

std::string to_string(Duration duration) {
  const std::int64_t total = duration.count();
  if (total == 0) {
    return "0s";
  }
  for (const Unit& unit : kUnits) {
    if (total % unit.nanoseconds == 0 && unit.name != "d") {
      return concat(total / unit.nanoseconds, unit.name);
    }
    const std::int64_t tenth = unit.nanoseconds / 10;
    if (unit.nanoseconds <= 1'000'000'000 && tenth > 0 && total % tenth == 0 && std::abs(total) >= unit.nanoseconds) {
      return concat(total < 0 ? "-" : "", std::abs(total) / unit.nanoseconds, ".",
                    std::abs(total) % unit.nanoseconds / tenth, unit.name);
    }
  }
  return concat(total, "ns");
}

std::string rounded(Duration duration) {
  const std::int64_t total = std::abs(duration.count());
  const std::string sign = duration.count() < 0 ? "-" : "";
  if (total >= 60'000'000'000) {
    const std::int64_t seconds = (total + 500'000'000) / 1'000'000'000;
    if (seconds >= 86'400) {
      return concat(sign, seconds / 86'400, "d ", seconds % 86'400 / 3'600, "h");
    }
    if (seconds >= 3'600) {
      return concat(sign, seconds / 3'600, "h ", seconds % 3'600 / 60, "m");
    }
    return concat(sign, seconds / 60, "m ", seconds % 60, "s");
  }
  std::array<char, 32> out{};
  const auto value = static_cast<double>(total);
  if (total >= 1'000'000'000) {
    std::snprintf(out.data(), out.size(), "%.3gs", value / 1e9);
  } else if (total >= 1'000'000) {
    std::snprintf(out.data(), out.size(), "%.3gms", value / 1e6);
  } else if (total >= 1'000) {
    std::snprintf(out.data(), out.size(), "%.3gus", value / 1e3);
  } else {
    return total == 0 ? "0s" : concat(sign, total, "ns");
  }
  return sign + out.data();
}

std::string to_string(WallTime time) {
  using namespace std::chrono;
  const auto millis = floor<milliseconds>(time);
  const auto day = floor<days>(millis);
  const year_month_day date{day};
  const hh_mm_ss clock{millis - day};
  std::array<char, 40> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return out.data();
}

}  // namespace tandem
