#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <string>

namespace tandem::admin {

enum class Layout : std::uint8_t {
  one_line,  // ends without a newline
  indented,  // by two blanks, for people too; ends with a newline
};

/// Writes JSON with numbers as people write them: 1.5, which Boost.JSON itself writes 1.5E0.
[[nodiscard]] std::string json_text(const boost::json::value& value, Layout layout);

}  // namespace tandem::admin
