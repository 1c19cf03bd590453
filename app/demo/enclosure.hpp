#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"

namespace tandem::app::demo {

/// What this host's settings say about namespaces of ordinary users; one that it does not have is missing.
struct NamespaceSettings {
  std::optional<long> unprivileged_userns_clone;
  std::optional<long> apparmor_restrict_unprivileged_userns;
  std::optional<long> max_user_namespaces;
};

NamespaceSettings read_namespace_settings();

/// For people: why namespaces were refused with this error number, which setting does it, and what helps. Pure.
std::string explain_refusal(int error, const NamespaceSettings& settings);

/// Puts this process into a network of its own, and its children to come among processes of their own: whichever is
/// started first is the first of them, and when it ends the kernel ends all others. Without the right to do so, in a
/// user namespace in which this user is root. To be called while there is one thread.
Result<> enter_enclosure();

}  // namespace tandem::app::demo
