#pragma once

#include <string>

#include "admin/table.hpp"
#include "admin/view.hpp"

namespace tandem::admin {

/// What `tandem status` prints: who is primary, what is up, who holds what; aligned for people.
[[nodiscard]] std::string status_text(const View& view, Colour colour);

}  // namespace tandem::admin
