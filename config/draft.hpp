#pragma once

#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/document.hpp"
#include "config/host.hpp"
#include "config/problems.hpp"

namespace tandem::config {

class Section;

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

/// One `[[vrrp]]` and where its secrets lie.
struct VirtualRouter {
  vrrp::Options options;
  VrrpSecretFiles secrets;
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
  std::vector<Item<VirtualRouter>> routers;
  std::optional<Item<peer::Options>> peer;
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
/// One table of `[[vrrp]]`, the `index`-th.
Item<VirtualRouter> read_vrrp(const Node& table, std::size_t index, Problems& problems);
/// `password`, `password_file` and `auth` of one.
void read_vrrp_secrets(Section& section, VirtualRouter& router);
Item<peer::Options> read_peer(const Node& table, Place place, Problems& problems);

/// The rules between tables.
void validate(const Draft& draft, Problems& problems);
/// Those of `[[vrrp]]` and `[peer]`.
void validate_pair(const Draft& draft, Problems& problems);
/// What the file says of this host and is not so, as warnings: a file may be checked elsewhere.
void compare_with_host(const Draft& draft, const Host& host, Problems& problems);

}  // namespace tandem::config
