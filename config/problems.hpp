#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader.hpp"

namespace tandem::config {

using tandem::to_string;  // beside to_string(Problem)

/// A place in a file, both from 1; 0: the file as a whole.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  friend bool operator==(const Place&, const Place&) = default;
};

/// Collects what is wrong while a file is read.
class Problems {
 public:
  void error(Place place, std::string_view text);
  void warning(Place place, std::string_view text);

  [[nodiscard]] bool has_errors() const { return errors_ > 0; }
  /// In the file's order. Leaves the collection empty.
  std::vector<Problem> take();

 private:
  void add(Problem::Severity severity, Place place, std::string_view text);

  std::vector<Problem> list_;
  std::size_t errors_ = 0;
};

/// The text on one line: control characters as \xNN.
std::string printable(std::string_view text);

/// "a, b, c", cut after ten with "and 5 more".
std::string listed(const std::vector<std::string_view>& names);

}  // namespace tandem::config
