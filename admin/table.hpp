#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::admin {

enum class Colour : std::uint8_t { never, always };

/// What a cell means, for those who see colours.
enum class Tone : std::uint8_t { plain, heading, good, warning, bad };

struct Cell {
  std::string text;
  Tone tone = Tone::plain;
};

/// `text` in the colour of its tone.
[[nodiscard]] std::string toned(std::string_view text, Tone tone, Colour colour);

/// Aligned columns, the last one ragged; made printable. Columns whose heading begins with '>' are right-aligned.
class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

  /// As many cells as headings.
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  /// With `indent` blanks before every line.
  [[nodiscard]] std::string text(Colour colour, std::size_t indent) const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace tandem::admin
