#include "config/expansion.hpp"

#include <optional>
#include <utility>

#include "base/text.hpp"

namespace tandem::config {

namespace {

bool is_name(std::string_view name) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  return !name.empty() && letters.find(name[0]) != std::string_view::npos &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") ==
             std::string_view::npos;
}

}  // namespace

Result<std::string> expanded(std::string_view text, const Environment& environment) {
  std::string out;
  while (true) {
    const auto start = text.find("${");
    if (start == std::string_view::npos) {
      out += text;
      return Result<std::string>(std::move(out));
    }
    if (start > 0 && text[start - 1] == '$') {
      out += text.substr(0, start - 1);
      out += "${";
      text.remove_prefix(start + 2);
      continue;
    }
    const auto end = text.find('}', start);
    if (end == std::string_view::npos) {
      return Error{"\"${\" without \"}\"; write \"$${\" for the characters themselves"};
    }
    const std::string name(text.substr(start + 2, end - start - 2));
    if (!is_name(name)) {
      return Error{concat("\"${", name, "}\" does not name an environment variable (letters, digits, \"_\")")};
    }
    const std::optional<std::string> value = environment ? environment(name) : std::nullopt;
    if (!value) {
      return Error{concat("the environment variable \"", name, "\" is not set")};
    }
    out += text.substr(0, start);
    out += *value;
    text.remove_prefix(end + 1);
  }
}

void expand(Node& node, const Environment& environment, Problems& problems) {
  for (Node& element : node.elements) {
    expand(element, environment, problems);
  }
  for (Member& member : node.members) {
    expand(member.value, environment, problems);
  }
  if (node.type == Node::Type::string) {
    auto text = expanded(node.written, environment);
    if (text) {
      node.text = *std::move(text);
    } else {
      problems.error(node.place, text.error().text);
      node.unusable = true;
    }
  }
}

}  // namespace tandem::config
