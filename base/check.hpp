#pragma once

#include <string_view>

namespace tandem {

/// Ends the program with `rule` and the place on stderr.
[[noreturn]] void check_failed(std::string_view rule, std::string_view file, unsigned line) noexcept;

/// A rule of ours that must hold, in every build; broken means a bug, not bad input.
inline void check(bool condition, std::string_view rule, std::string_view file = __builtin_FILE(),
                  unsigned line = __builtin_LINE()) noexcept {
  if (!condition) [[unlikely]] {
    check_failed(rule, file, line);
  }
}

}  // namespace tandem
