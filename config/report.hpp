#pragma once

#include <string>
#include <string_view>

#include "config/reader.hpp"

namespace tandem::config {

enum class Colour { no, yes };

/// What `tandem check` prints, each line ended: every problem; then, of a good file, what is in it, how long a dead
/// backend goes unnoticed and what clients get when a pool is empty; of a bad one, how many errors there are.
std::string check_text(const Reading& reading, std::string_view file, Colour colour);

/// The same as JSON, for `tandem check --json`; docs/config.md describes it.
std::string check_json(const Reading& reading, std::string_view file);

/// What new clients of a pool get while no backend may take them: "falls back to pool \"b\"; that one: …".
std::string when_empty(const Config& config, const lb::PoolOptions& pool);

}  // namespace tandem::config
