#pragma once

#include <string_view>

namespace tandem::app {

/// "0.1.0", from CMake's project().
std::string_view version();
/// Of the source tree, abbreviated; "unknown" outside of a git checkout.
std::string_view revision();

}  // namespace tandem::app
