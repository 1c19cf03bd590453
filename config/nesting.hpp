#pragma once

#include <optional>
#include <string_view>

#include "config/problems.hpp"

namespace tandem::config {

/// Where a TOML text nests brackets deeper than 32 or joins more than 64 keys with dots on a line, if it does.
/// Asked before parsing: a parser that recurses must not be fed a text that overflows the stack.
std::optional<Place> too_deep(std::string_view text);

}  // namespace tandem::config
