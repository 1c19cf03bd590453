#include "admin/table.hpp"

#include <algorithm>

#include "admin/printable.hpp"
#include "base/check.hpp"

namespace tandem::admin {

namespace {

constexpr std::size_t kGap = 2;

std::string_view escape(Tone tone) {
  switch (tone) {
    case Tone::heading: return "\x1b[1m";
    case Tone::good: return "\x1b[32m";
    case Tone::warning: return "\x1b[33m";
    case Tone::bad: return "\x1b[1;31m";
    case Tone::plain: break;
  }
  return "";
}

struct Column {
  std::string heading;
  bool right = false;
  std::size_t width = 0;
};

void append_cell(std::string& out, const std::string& text, Tone tone, const Column& column, Colour colour) {
  const std::string padding(column.width - std::min(column.width, columns(text)), ' ');
  out += column.right ? padding : "";
  out += toned(text, tone, colour);
  out += column.right ? "" : padding;
}

void end_line(std::string& out) {
  out.erase(out.find_last_not_of(' ') + 1);
  out += '\n';
}

}  // namespace

std::string toned(std::string_view text, Tone tone, Colour colour) {
  if (colour == Colour::never || tone == Tone::plain || text.empty()) {
    return std::string(text);
  }
  return std::string(escape(tone)).append(text).append("\x1b[0m");
}

std::string Table::text(Colour colour, std::size_t indent) const {
  std::vector<Column> layout;
  for (const std::string& heading : headings_) {
    const bool right = heading.starts_with('>');
    layout.push_back(Column{heading.substr(right ? 1 : 0), right, heading.size() - (right ? 1 : 0)});
  }
  std::vector<std::vector<Cell>> rows = rows_;
  for (std::vector<Cell>& row : rows) {
    check(row.size() == layout.size(), "a row has as many cells as the table has headings");
    for (std::size_t column = 0; column < row.size(); ++column) {
      row[column].text = printable(row[column].text);
      layout[column].width = std::max(layout[column].width, columns(row[column].text));
    }
  }
  std::string out;
  const auto append_row = [&](auto&& cell_at) {
    out.append(indent, ' ');
    for (std::size_t column = 0; column < layout.size(); ++column) {
      out.append(column == 0 ? 0 : kGap, ' ');
      const Cell& cell = cell_at(column);
      append_cell(out, cell.text, cell.tone, layout[column], colour);
    }
    end_line(out);
  };
  std::vector<Cell> headings;
  headings.reserve(layout.size());
  for (const Column& column : layout) {
    headings.push_back(Cell{column.heading, Tone::heading});
  }
  append_row([&](std::size_t column) -> const Cell& { return headings[column]; });
  for (const std::vector<Cell>& row : rows) {
    append_row([&](std::size_t column) -> const Cell& { return row[column]; });
  }
  return out;
}

}  // namespace tandem::admin
