#pragma once

#include <string>
#include <string_view>

namespace tandem::admin {

/// The text as valid UTF-8: what is not becomes U+FFFD. Reasons come from backends, who may say anything.
[[nodiscard]] std::string valid_utf8(std::string_view text);

/// Valid UTF-8 for a terminal: control characters become spaces, so that nobody's text can order it around.
[[nodiscard]] std::string printable(std::string_view text);

/// How many columns printable text takes, one per code point.
[[nodiscard]] std::size_t columns(std::string_view text);

}  // namespace tandem::admin
