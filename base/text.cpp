#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

namespace tandem {

namespace {

/// Damerau's optimal string alignment distance: a swap of neighbours is one error.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    above[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) {
      out += separator;
    }
    out += part;
  }
  return out;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, std::min<std::size_t>(3, word.size() / 3)) + 1;
  for (const std::string_view candidate : known) {
    if (candidate.size() > word.size() + 3 || word.size() > candidate.size() + 3) {
      continue;
    }
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::uint64_t bytes;
  };
  static constexpr std::array<Unit, 7> units{{{"B", 1},
                                              {"KB", 1'000},
                                              {"KiB", 1'024},
                                              {"MB", 1'000'000},
                                              {"MiB", 1'048'576},
                                              {"GB", 1'000'000'000},
                                              {"GiB", 1'073'741'824}}};
  std::uint64_t count = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (failure == std::errc::invalid_argument) {
    return Error{concat("\"", text, "\" is not a size; write a number and a unit, like \"64KiB\" or \"1MB\"")};
  }
  const std::string_view unit(end, text.size() - static_cast<std::size_t>(end - text.data()));
  if (unit.empty()) {
    return Error{concat("\"", text, "\" has no unit; write \"", text, "B\" for bytes or \"", text, "KiB\"")};
  }
  for (const Unit& known : units) {
    if (unit == known.name) {
      if (failure != std::errc{} || count > std::numeric_limits<std::uint64_t>::max() / 2 / known.bytes) {
        return Error{concat("\"", text, "\" is too large a size")};
      }
      return count * known.bytes;
    }
  }
  return Error{concat("\"", text, "\" has the unknown unit \"", unit, "\"; there are: B KB KiB MB MiB GB GiB")};
}

std::string bytes_rounded(std::uint64_t bytes) {
  if (bytes < 1'000) {
    return concat(bytes, " B");
  }
  static constexpr std::array<const char*, 6> units{"kB", "MB", "GB", "TB", "PB", "EB"};
  auto value = static_cast<double>(bytes) / 1'000;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= 1'000;
    ++unit;
  }
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), "%.3g %s", value, units[unit]);
  return out.data();
}

}  // namespace tandem
