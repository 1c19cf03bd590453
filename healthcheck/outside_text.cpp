#include "healthcheck/outside_text.hpp"

#include <cstdint>

namespace tandem::healthcheck {

namespace {

/// Length of the well-formed, printable UTF-8 sequence that `text` begins with, or 0 (Unicode 15, table 3-7).
std::size_t printable_prefix(std::string_view text) {
  const auto byte = [text](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) {
    return first >= 0x20 && first != 0x7f ? 1 : 0;
  }
  std::size_t length = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
    low = first == 0xc2 ? 0xa0 : low;  // U+0080 to U+009F are control characters
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    low = first == 0xe0 ? 0xa0 : low;    // else too long a form
    high = first == 0xed ? 0x9f : high;  // else a surrogate
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    low = first == 0xf0 ? 0x90 : low;
    high = first == 0xf4 ? 0x8f : high;
  }
  if (length == 0 || text.size() < length || byte(1) < low || byte(1) > high) {
    return 0;
  }
  for (std::size_t at = 2; at < length; ++at) {
    if (byte(at) < 0x80 || byte(at) > 0xbf) {
      return 0;
    }
  }
  return length;
}

}  // namespace

std::string outside_text(std::string_view text, std::size_t bytes_max) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = printable_prefix(text);
    if (out.size() + (length == 0 ? 1 : length) > bytes_max) {
      return out + "...";
    }
    out += length == 0 ? std::string_view("?") : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace tandem::healthcheck
