#include "config/problems.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "base/text.hpp"

namespace tandem::config {

void Problems::error(Place place, std::string_view text) { add(Problem::Severity::error, place, text); }

void Problems::warning(Place place, std::string_view text) { add(Problem::Severity::warning, place, text); }

void Problems::add(Problem::Severity severity, Place place, std::string_view text) {
  errors_ += severity == Problem::Severity::error ? 1 : 0;
  list_.push_back({severity, place.line, place.column, printable(text)});
}

std::vector<Problem> Problems::take() {
  std::stable_sort(list_.begin(), list_.end(), [](const Problem& a, const Problem& b) {
    return std::pair{a.line, a.column} < std::pair{b.line, b.column};
  });
  errors_ = 0;
  return std::exchange(list_, {});
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
      continue;
    }
    std::array<char, 8> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "\\x%02x", static_cast<unsigned>(byte));
    out += escaped.data();
  }
  return out;
}

std::string listed(const std::vector<std::string_view>& names) {
  constexpr std::size_t shown = 10;
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < shown; ++i) {
    out += i == 0 ? "" : ", ";
    out += names[i];
  }
  return names.size() <= shown ? out : concat(out, " and ", names.size() - shown, " more");
}

}  // namespace tandem::config
