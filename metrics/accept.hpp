#pragma once

#include <string_view>
#include <vector>

namespace tandem::metrics {

/// One entry of an Accept header (RFC 9110 section 12.5.1). Views of the header's text.
struct MediaRange {
  std::string_view type;     // "text/plain", "text/*", "*/*"
  std::string_view version;  // its parameter of that name; empty: none
  double quality = 1;        // 0 to 1; 0 for nonsense

  /// Is its type this one, in whatever case? Wildcards are equal only to themselves.
  [[nodiscard]] bool is(std::string_view other) const;
};

/// The entries of an Accept header in its order. Never fails: nonsense is an entry that nothing matches.
[[nodiscard]] std::vector<MediaRange> parse_accept(std::string_view accept);

}  // namespace tandem::metrics
