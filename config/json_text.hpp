#pragma once

#include <boost/json/fwd.hpp>
#include <string>

namespace tandem::config {

/// JSON with two spaces of indentation and keys in their order, ended by a line feed: for people and for diffs.
std::string indented(const boost::json::value& value);

}  // namespace tandem::config
