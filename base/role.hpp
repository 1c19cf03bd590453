#pragma once

#include <string_view>

namespace tandem {

/// What a backend says it is. `none`: it said nothing about a role, or that it is neither.
enum class Role { none, primary, replica };

constexpr std::string_view to_string(Role role) noexcept {
  switch (role) {
    case Role::primary: return "primary";
    case Role::replica: return "replica";
    case Role::none: break;
  }
  return "none";
}

}  // namespace tandem
