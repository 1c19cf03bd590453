#include "config/nesting.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace tandem::config {

namespace {

constexpr int kBrackets = 32;
constexpr int kDots = 64;

/// Walks a TOML text past strings and comments.
class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {}

  std::optional<Place> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
      } else if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (step(c)) {
        return Place{line_, static_cast<std::uint32_t>(at_ - line_start_ + 1)};
      }
    }
    return std::nullopt;
  }

 private:
  /// True where the text is too deep.
  bool step(char c) {
    if (c == '\n') {
      new_line();
    }
    brackets_ += c == '[' || c == '{' ? 1 : 0;
    brackets_ -= (c == ']' || c == '}') && brackets_ > 0 ? 1 : 0;
    dots_ += c == '.' ? 1 : 0;
    if (brackets_ > kBrackets || dots_ > kDots) {
      return true;
    }
    ++at_;
    return false;
  }

  void new_line() {
    ++line_;
    line_start_ = at_ + 1;
    dots_ = 0;
  }

  void skip_string(char quote) {
    const bool multiline = at_ + 2 < text_.size() && text_[at_ + 1] == quote && text_[at_ + 2] == quote;
    at_ += multiline ? 3 : 1;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') {
        if (!multiline) {
          return;  // an unfinished string, which the parser will name
        }
        new_line();
      } else if (c == '\\' && quote == '"') {
        ++at_;
        if (at_ < text_.size() && text_[at_] == '\n') {
          new_line();
        }
      } else if (c == quote && (!multiline || text_.substr(at_).starts_with(multiline_end(quote)))) {
        at_ += multiline ? 3 : 1;
        return;
      }
    }
  }

  static std::string_view multiline_end(char quote) { return quote == '"' ? "\"\"\"" : "'''"; }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  std::uint32_t line_ = 1;
  int brackets_ = 0;
  int dots_ = 0;
};

}  // namespace

std::optional<Place> too_deep(std::string_view text) { return Scan(text).run(); }

}  // namespace tandem::config
