#include "config/schema.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "base/time.hpp"
#include "config/json_schema.hpp"

using namespace tandem;
using namespace tandem::config;

namespace {

std::string source(const std::string& path) {
  std::ifstream in(concat(TANDEM_SOURCE_DIR, "/", path), std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The rows of the page's tables by the key that they begin with.
std::multimap<std::string, std::string> rows_of(const std::string& page) {
  std::multimap<std::string, std::string> rows;
  std::istringstream in(page);
  for (std::string line; std::getline(in, line);) {
    const auto end = line.find("` |");
    if (line.starts_with("| `") && end != std::string::npos) {
      rows.emplace(line.substr(3, end - 3), line);
    }
  }
  return rows;
}

/// Whether a row has a quoted duration of this length.
bool names_duration(const std::string& row, Duration wanted) {
  for (auto start = row.find("`\""); start != std::string::npos; start = row.find("`\"", start + 2)) {
    const auto end = row.find("\"`", start + 2);
    const auto duration = parse_duration(std::string_view(row).substr(start + 2, end - start - 2));
    if (duration && *duration == wanted) {
      return true;
    }
  }
  return false;
}

bool documents(const std::string& row, const schema::Key& key) {
  const bool one_word = key.by_default.find(' ') == std::string_view::npos;
  if (one_word && row.find(key.by_default) == std::string::npos) {
    return false;
  }
  if (key.required && row.find("required") == std::string::npos) {
    return false;
  }
  if (key.type == schema::Type::integer) {
    return row.find(std::to_string(key.most)) != std::string::npos;
  }
  return key.type != schema::Type::duration || names_duration(row, Duration{key.most});
}

}  // namespace

TEST_SUITE("config/schema") {
  TEST_CASE("every key of the file is a row of docs config.md with its default and its range") {
    const auto rows = rows_of(source("docs/config.md"));
    for (const schema::Table* table : schema::all()) {
      for (const schema::Key& key : table->keys) {
        if (table->name.empty()) {
          continue;  // tables, which have a heading
        }
        CAPTURE(table->name);
        CAPTURE(key.name);
        const auto [first, last] = rows.equal_range(std::string(key.name));
        CHECK(std::any_of(first, last, [&](const auto& row) { return documents(row.second, key); }));
      }
    }
  }

  TEST_CASE("every table of the file is a heading of docs config.md") {
    const std::string page = source("docs/config.md");
    for (const schema::Key& key : schema::file().keys) {
      CAPTURE(key.name);
      const bool several = key.type == schema::Type::tables;
      CHECK(page.find(concat("## `[", several ? "[" : "", key.table->name, several ? "]]`" : "]`")) !=
            std::string::npos);
    }
  }

  TEST_CASE("a key is described once in its table and no two tables share a name") {
    std::vector<std::string_view> names;
    for (const schema::Table* table : schema::all()) {
      names.push_back(table->name);
      for (const schema::Key& key : table->keys) {
        CAPTURE(key.name);
        CHECK(table->find(key.name) == &key);
        CHECK_FALSE(key.help.empty());
      }
      for (const schema::Later& later : table->later) {
        CHECK(table->find(later.name) == nullptr);
      }
    }
    std::sort(names.begin(), names.end());
    CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
  }

  TEST_CASE("docs tandem.schema.json is what the program makes") {
    const bool same = source("docs/tandem.schema.json") == json_schema();
    CHECK_MESSAGE(same, "regenerate it: build/dev/tandem schema > docs/tandem.schema.json");
  }

  TEST_CASE("the schema knows every table and key") {
    const boost::json::value schema = boost::json::parse(json_schema());

    for (const schema::Table* table : schema::all()) {
      const boost::json::value& definition = table->name.empty() ? schema : schema.at("definitions").at(table->name);
      CHECK(definition.at("properties").as_object().size() == table->keys.size());
      CHECK(definition.at("additionalProperties") == false);
    }
  }
}
