#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.hpp"

namespace tandem::config {

/// A text that is longer is refused.
constexpr std::size_t kFileBytesMax = std::size_t{64} << 20;

struct Member;

/// One value of a TOML text, with the place where it begins.
struct Node {
  enum class Type { table, array, string, integer, floating, boolean, time };

  Type type = Type::table;
  Place place;
  std::string text;     // of a string, with environment variables put in; of a float or time, as TOML writes it
  std::string written;  // of a string, as it stands in the file: what messages may show
  std::int64_t integer = 0;
  bool boolean = false;
  bool unusable = false;        // reported already; of a string with a variable that is not set
  std::vector<Node> elements;   // of an array
  std::vector<Member> members;  // of a table, in the file's order

  /// The value of a key, or nullptr.
  [[nodiscard]] const Node* find(std::string_view key) const;
};

/// A key of a table and its value.
struct Member {
  std::string key;
  Place place;
  Node value;
};

/// "a string", "an integer": for messages.
std::string_view with_article(Node::Type type);

/// Parses TOML 1.0. What is wrong with the text goes to `problems` (at most one) and leaves an empty table.
/// The only place that knows toml++.
Node parse_document(std::string_view text, Problems& problems);

}  // namespace tandem::config
