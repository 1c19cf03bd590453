#pragma once

#include <array>
#include <string_view>

#include "config/config.hpp"

namespace tandem::config {

/// The words of the file for values that are enumerators or types in a Config.
constexpr std::string_view name(LogFormat format) { return format == LogFormat::json ? "json" : "text"; }

constexpr std::string_view name(LogLevel level) {
  constexpr std::array<std::string_view, 4> names{"debug", "info", "warning", "error"};
  return names[static_cast<std::size_t>(level)];
}

/// "tcp", "http", "patroni" or "exec".
inline std::string_view type_of(const healthcheck::ProbeOptions& probe) {
  constexpr std::array<std::string_view, 4> names{"tcp", "http", "patroni", "exec"};
  return names[probe.kind.index()];
}

}  // namespace tandem::config
