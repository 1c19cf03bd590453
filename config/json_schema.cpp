#include "config/json_schema.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "config/json_text.hpp"
#include "config/problems.hpp"
#include "config/schema.hpp"
#include "config/section.hpp"

namespace tandem::config {

namespace {

namespace json = boost::json;
using schema::Key;
using schema::Type;

// A string with an environment variable in it may stand for anything.
constexpr std::string_view kDuration = R"(^[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d)$|\$\{)";
constexpr std::string_view kLag = R"(^[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d)$|^[0-9]+(B|KB|KiB|MB|MiB|GB|GiB)$|\$\{)";
constexpr std::string_view kEndpoint = R"(^([0-9.]+|\[[0-9A-Fa-f:.]+\]):[0-9]+$|^$|\$\{)";
constexpr std::string_view kNetwork = R"(^[0-9A-Fa-f:.]+(/[0-9]+)?$|\$\{)";
constexpr std::string_view kHost = R"(^[0-9A-Fa-f:.]+$|\$\{)";
constexpr std::string_view kWitness = R"(^(arp:)?[0-9A-Fa-f:.]+$|^\[[0-9A-Fa-f:.]+\]:[0-9]+$|\$\{)";
constexpr std::string_view kStatus = R"(^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$|\$\{)";
constexpr std::string_view kName = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

json::object type(std::string_view name) { return {{"type", name}}; }

json::object pattern(std::string_view expression) { return {{"type", "string"}, {"pattern", expression}}; }

json::object array_of(json::object items, std::size_t least) {
  json::object out{{"type", "array"}, {"items", std::move(items)}};
  if (least > 0) {
    out["minItems"] = least;
  }
  return out;
}

json::object table_of(json::object values) { return {{"type", "object"}, {"additionalProperties", std::move(values)}}; }

json::object either(json::array forms) { return {{"anyOf", std::move(forms)}}; }

json::object reference(const schema::Table& table) { return {{"$ref", concat("#/definitions/", table.name)}}; }

json::object integer(const Key& key) { return {{"type", "integer"}, {"minimum", key.least}, {"maximum", key.most}}; }

json::object word(const Key& key) {
  json::array words;
  for (const std::string_view known : words_of(key.words)) {
    words.emplace_back(known);
  }
  return {{"enum", std::move(words)}};
}

json::object statuses() {
  const json::object one =
      either({json::object{{"type", "integer"}, {"minimum", 100}, {"maximum", 599}}, pattern(kStatus)});
  return either({one, array_of(one, 1)});
}

json::object named_tables(const Key& key) {
  return {{"type", "object"},
          {"propertyNames", json::object{{"pattern", kName}}},
          {"additionalProperties", reference(*key.table)}};
}

/// What a key's value may be, without its description.
json::object form(const Key& key) {
  switch (key.type) {
    case Type::boolean: return type("boolean");
    case Type::integer: return integer(key);
    case Type::duration: return pattern(kDuration);
    case Type::text: return type("string");
    case Type::word: return word(key);
    case Type::endpoint: return pattern(kEndpoint);
    case Type::endpoints: return array_of(pattern(kEndpoint), 1);
    case Type::networks: return array_of(pattern(kNetwork), 0);
    case Type::hosts: return array_of(pattern(kHost), 0);
    case Type::witnesses: return array_of(pattern(kWitness), 0);
    case Type::links: return array_of(either({type("string"), reference(*key.table)}), 0);
    case Type::texts: return array_of(type("string"), 1);
    case Type::text_table: return table_of(type("string"));
    case Type::value_table: return table_of({{"type", json::array{"string", "number", "boolean"}}});
    case Type::lag: return pattern(kLag);
    case Type::statuses: return statuses();
    case Type::senders:
    case Type::tls: return either({type("boolean"), reference(*key.table)});
    case Type::table:
      return {{"allOf", json::array{reference(*key.table)}}};  // draft 7 ignores what stands beside a $ref
    case Type::tables: return array_of(reference(*key.table), 1);
    case Type::named_tables: break;
  }
  return named_tables(key);
}

/// The range of a duration is not something that a schema can check; say it.
std::string description(const Key& key) {
  std::string text(key.help);
  if (!key.probes.empty()) {
    text += concat(" For probes of type ", listed(words_of(key.probes)), ".");
  }
  if (key.type == Type::duration) {
    text += concat(" ", to_string(Duration{key.least}), " to ", to_string(Duration{key.most}), ".");
  }
  if (!key.by_default.empty()) {
    text += concat(" Default: ", key.by_default, ".");
  }
  return text;
}

json::object definition(const schema::Table& table) {
  json::object properties;
  json::array required;
  for (const Key& key : table.keys) {
    json::object property = form(key);
    property["description"] = description(key);
    properties[key.name] = std::move(property);
    if (key.required) {
      required.emplace_back(key.name);
    }
  }
  json::object out{{"type", "object"},
                   {"description", table.help},
                   {"properties", std::move(properties)},
                   {"additionalProperties", false}};
  if (!required.empty()) {
    out["required"] = std::move(required);
  }
  return out;
}

}  // namespace

std::string json_schema() {
  json::object out{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "Tandem's configuration"}};
  json::object definitions;
  for (const schema::Table* table : schema::all()) {
    if (!table->name.empty()) {
      definitions[table->name] = definition(*table);
    }
  }
  for (auto& member : definition(schema::file())) {
    out[member.key()] = std::move(member.value());
  }
  out["required"] = json::array{"listener"};
  out["definitions"] = std::move(definitions);
  return indented(out);
}

}  // namespace tandem::config
