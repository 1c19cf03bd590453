#pragma once

#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/document.hpp"
#include "config/problems.hpp"

namespace tandem::config {

/// What one table of the file gave, and where, for the rules that reach across tables.
template <class Options>
struct Item {
  Options options;
  Place place;                  // of its name
  const Node* table = nullptr;  // borrowed from the document

  /// Where a key's value begins; without the key, where the table is named.
  [[nodiscard]] Place place_of(std::string_view key) const {
    const Node* value = table->find(key);
    return value == nullptr ? place : value->place;
  }
};

/// A file whose tables are read, and whose references are not checked yet.
struct Draft {
  NodeOptions node;
  LogOptions log;
  admin::AdminOptions admin;
  Place admin_listen;
  std::vector<Item<Cluster>> clusters;
  std::vector<Item<lb::PoolOptions>> pools;
  std::vector<Item<lb::ListenerOptions>> listeners;
};

NodeOptions read_node(const Node& table, Place place, Problems& problems);
LogOptions read_log(const Node& table, Place place, Problems& problems);
void read_admin(const Node& table, Place place, Draft& draft, Problems& problems);
Item<Cluster> read_cluster(const Member& member, Problems& problems);
/// Nothing where the type is missing or unknown.
std::optional<healthcheck::ProbeOptions> read_probe(const Node& table, Place place, std::string_view cluster,
                                                    Problems& problems);
Item<lb::PoolOptions> read_pool(const Member& member, Problems& problems);
Item<lb::ListenerOptions> read_listener(const Member& member, Problems& problems);

/// The rules between tables.
void validate(const Draft& draft, Problems& problems);

}  // namespace tandem::config
