#include "config/document.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <utility>

#include "base/text.hpp"
#include "config/nesting.hpp"

namespace tandem::config {

namespace {

Place place_of(const toml::source_region& region) { return {region.begin.line, region.begin.column}; }

template <class Value>
std::string as_written(const Value& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

Node converted(const toml::node& from);

Node converted_table(const toml::table& from) {
  Node node;
  for (const auto& [key, value] : from) {
    node.members.push_back({std::string(key.str()), place_of(key.source()), converted(value)});
  }
  // toml++ keeps them in the order of the alphabet.
  std::stable_sort(node.members.begin(), node.members.end(), [](const Member& a, const Member& b) {
    return std::pair{a.place.line, a.place.column} < std::pair{b.place.line, b.place.column};
  });
  return node;
}

Node converted_value(const toml::node& from) {
  Node node;
  if (const auto* text = from.as_string()) {
    node.type = Node::Type::string;
    node.text = node.written = text->get();
  } else if (const auto* integer = from.as_integer()) {
    node.type = Node::Type::integer;
    node.integer = integer->get();
  } else if (const auto* floating = from.as_floating_point()) {
    node.type = Node::Type::floating;
    node.text = as_written(*floating);
  } else if (const auto* boolean = from.as_boolean()) {
    node.type = Node::Type::boolean;
    node.boolean = boolean->get();
  } else {
    node.type = Node::Type::time;
  }
  return node;
}

Node converted(const toml::node& from) {
  Node node;
  if (const toml::table* table = from.as_table()) {
    node = converted_table(*table);
  } else if (const toml::array* array = from.as_array()) {
    node.type = Node::Type::array;
    node.elements.reserve(array->size());
    for (const toml::node& element : *array) {
      node.elements.push_back(converted(element));
    }
  } else {
    node = converted_value(from);
  }
  node.place = place_of(from.source());
  return node;
}

}  // namespace

const Node* Node::find(std::string_view key) const {
  for (const Member& member : members) {
    if (member.key == key) {
      return &member.value;
    }
  }
  return nullptr;
}

std::string_view with_article(Node::Type type) {
  switch (type) {
    case Node::Type::table: return "a table";
    case Node::Type::array: return "an array";
    case Node::Type::string: return "a string";
    case Node::Type::integer: return "an integer";
    case Node::Type::floating: return "a number with a fraction";
    case Node::Type::boolean: return "a boolean";
    case Node::Type::time: break;
  }
  return "a date or time";
}

Node parse_document(std::string_view text, Problems& problems) {
  if (text.size() > kFileBytesMax) {
    problems.error({}, "the file is larger than 64 MiB");
    return {};
  }
  if (const auto place = too_deep(text)) {
    problems.error(*place, "not valid here: brackets nest deeper than 32, or more than 64 keys are joined by dots");
    return {};
  }
  try {
    return converted_table(toml::parse(text));
  } catch (const toml::parse_error& failure) {
    std::string description(failure.description());
    if (!description.empty()) {
      description[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(description[0])));
    }
    problems.error(place_of(failure.source()), concat("not valid TOML: ", description));
    return {};
  }
}

}  // namespace tandem::config
