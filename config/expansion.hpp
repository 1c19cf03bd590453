#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "config/document.hpp"
#include "config/reader.hpp"

namespace tandem::config {

/// The text with each `${NAME}` replaced by that environment variable; `$${` stands for `${`.
Result<std::string> expanded(std::string_view text, const Environment& environment);

/// Expands every string of the tree; `written` keeps what the file says.
void expand(Node& node, const Environment& environment, Problems& problems);

}  // namespace tandem::config
