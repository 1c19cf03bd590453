#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace tandem::admin {

/// A request's target (RFC 9112 section 3.2), decoded.
struct Target {
  std::string path;                   // "/api/v1/status", decoded
  std::vector<std::string> segments;  // of the path, each decoded
  std::vector<std::pair<std::string, std::string>> parameters;
  std::string host;  // of the absolute form "http://host/path"; else empty

  /// The first parameter of that name; empty: none.
  [[nodiscard]] std::string query(std::string_view name) const;
};

Result<Target> parse_target(std::string_view text);

/// A Host header's name without its port, in lower case; an IPv6 address keeps its brackets. Empty: malformed.
[[nodiscard]] std::string host_name(std::string_view host);

/// ASCII only.
[[nodiscard]] std::string lower_case(std::string_view text);

}  // namespace tandem::admin
