#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace tandem::admin {

/// The secret of a token file.
struct Token {
  enum class Reach : std::uint8_t { restricted, everybody };

  std::string text;
  Reach readable_by = Reach::restricted;
};

/// Reads the file without the blanks around its one line. The error names the file: missing, empty, several lines, not
/// printable, too long.
Result<Token> read_token_file(const std::string& path);

/// Takes as long for any two texts of these lengths.
[[nodiscard]] bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept;

/// What follows "Bearer " (RFC 6750 section 2.1); none if the header says something else.
[[nodiscard]] std::optional<std::string_view> bearer_token(std::string_view authorization);

}  // namespace tandem::admin
