#pragma once

#include <string>

#include "metrics/collection.hpp"
#include "metrics/format.hpp"

namespace tandem::metrics {

/// Writes the collection out, metrics in the catalog's order.
[[nodiscard]] std::string expose(const Collection& collection, Format format);

}  // namespace tandem::metrics
