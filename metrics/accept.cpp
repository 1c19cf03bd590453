#include "metrics/accept.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace tandem::metrics {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Cuts the part before `separator` off `rest`.
std::string_view next_part(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return trimmed(part);
}

bool same_word(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return lower(a) == lower(b);
  });
}

double parsed_quality(std::string_view text) {
  double quality = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), quality);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
  return whole && quality >= 0 && quality <= 1 ? quality : 0;
}

MediaRange parsed_range(std::string_view text) {
  MediaRange range;
  range.type = next_part(text, ';');
  while (!text.empty()) {
    std::string_view value = next_part(text, ';');
    const std::string_view name = next_part(value, '=');
    value = trimmed(value);
    if (same_word(name, "q")) {
      range.quality = parsed_quality(value);
    } else if (same_word(name, "version")) {
      range.version = value.size() > 1 && value.front() == '"' ? value.substr(1, value.size() - 2) : value;
    }
  }
  return range;
}

}  // namespace

bool MediaRange::is(std::string_view other) const { return same_word(type, other); }

std::vector<MediaRange> parse_accept(std::string_view accept) {
  std::vector<MediaRange> ranges;
  while (!accept.empty()) {
    ranges.push_back(parsed_range(next_part(accept, ',')));
  }
  return ranges;
}

}  // namespace tandem::metrics
