#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.hpp"

namespace tandem {

namespace text_detail {
inline void append(std::string& out, std::string_view part) { out += part; }
inline void append(std::string& out, char part) { out += part; }
template <class Number>
requires(std::is_arithmetic_v<Number> && !std::is_same_v<Number, char> &&
         !std::is_same_v<Number, bool>) void append(std::string& out, Number part) {
  out += std::to_string(part);
}
}  // namespace text_detail

/// The parts one after the other: concat("pool \"", name, "\": ", 3, " backends").
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::string out;
  (text_detail::append(out, parts), ...);
  return out;
}

/// "a, b, c".
std::string join(const std::vector<std::string>& parts, std::string_view separator = ", ");

/// The word of `known` nearest to `word` by edit distance, if near enough to be a typing error; else empty.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

/// Reads a size: "64KiB", "1MB", "0B"; units B KB KiB MB MiB GB GiB. The error says what is wrong.
Result<std::uint64_t> parse_size(std::string_view text);

/// Rounded for people, in decimal units: "12.3 MB".
std::string bytes_rounded(std::uint64_t bytes);

}  // namespace tandem
