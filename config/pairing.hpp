#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/reader.hpp"

namespace tandem::config {

/// What does not go together in the files of the two nodes of a pair, a sentence each: what only both can show, such as
/// equal priorities with preempt.
std::vector<std::string> mismatches(const Config& here, const Config& there);

/// Adds the mismatches to a good reading, as warnings without a place; `file` is the other node's.
void compare_with_peer(Reading& reading, const Reading& other, std::string_view file);

}  // namespace tandem::config
