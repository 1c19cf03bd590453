#pragma once

#include <string>

namespace tandem::config {

/// The JSON Schema (draft 7) of the file, for editors: docs/tandem.schema.json holds what this returns.
std::string json_schema();

}  // namespace tandem::config
