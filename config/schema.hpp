#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/time.hpp"

/// What the file may contain, in one place: the reader, "did you mean", the JSON schema and the test of docs/config.md
/// all go by these tables.
namespace tandem::config::schema {

/// How a value is written.
enum class Type {
  boolean,
  integer,      // within least and most
  duration,     // within least and most, in nanoseconds
  text,         // a string
  word,         // one of `words`
  endpoint,     // "ADDRESS:PORT"
  endpoints,    // an array of them
  networks,     // an array of "ADDRESS/LENGTH"
  hosts,        // an array of IP addresses
  witnesses,    // an array of "ADDRESS", "ADDRESS:PORT" and "arp:ADDRESS"
  texts,        // an array of strings
  text_table,   // a table of strings
  value_table,  // a table of strings, numbers and booleans
  lag,          // a size or a duration
  statuses,     // a status, "FIRST-LAST", or an array of both
  senders,      // a boolean, or { from = [networks] }
  tls,          // a boolean, or a table
  table,        // a table with keys of its own
  tables,       // an array of such tables
  links,        // an array of names and of tables
  named_tables  // tables by the names that the user gives
};

struct Table;

struct Key {
  std::string_view name = {};
  Type type = Type::text;
  std::string_view help = {};        // one line
  std::string_view by_default = {};  // as the documentation says it; empty: none
  bool required = false;
  std::int64_t least = 0;
  std::int64_t most = 0;
  std::string_view words = {};        // of a word: what there is, parted by spaces
  std::string_view later_words = {};  // words that this version does not know yet
  std::string_view probes = {};       // the types of probe that take this key; empty: all
  const Table* table = nullptr;       // of the types that end in table, tables
};

/// A key that is described elsewhere as coming, and that this version refuses by name.
struct Later {
  std::string_view name;
  std::string_view text;  // the error
};

struct Table {
  std::string_view name;  // "pool.NAME"; empty: the file
  std::string_view help = {};
  std::span<const Key> keys;
  std::span<const Later> later = {};

  [[nodiscard]] const Key* find(std::string_view key) const;
};

const Table& file();
const Table& node();
const Table& log();
const Table& admin();
const Table& cluster();
const Table& backend();
const Table& probe();
const Table& tls();
const Table& pool();
const Table& listener();
const Table& senders();
const Table& vrrp();
const Table& vrrp_auth();
const Table& vrrp_key();
const Table& tracked_interface();
const Table& tracked_cluster();
const Table& peer();

/// All of the above, the file first.
std::span<const Table* const> all();

/// "of a key": a string with a unit, an integer …, as messages say what is wanted.
std::string_view wanted(Type type);

}  // namespace tandem::config::schema
