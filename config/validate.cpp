#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "base/text.hpp"
#include "config/draft.hpp"
#include "config/names.hpp"
#include "config/section.hpp"

namespace tandem::config {

namespace {

using lb::PoolOptions;
using lb::PoolRole;

/// What a reference may name, in the file's order, and by name.
template <class Options>
struct Known {
  std::map<std::string_view, const Item<Options>*> by_name;
  std::vector<std::string_view> names;
};

const std::string& name_of(const Item<Cluster>& item) { return item.options.options.name; }
const std::string& name_of(const Item<PoolOptions>& item) { return item.options.name; }

template <class Options>
Known<Options> known(const std::vector<Item<Options>>& items) {
  Known<Options> out;
  for (const Item<Options>& item : items) {
    out.by_name.emplace(name_of(item), &item);
    out.names.push_back(name_of(item));
  }
  return out;
}

/// The item that `key` of `table` names; reports a name that does not exist. `from` is `pool "web"`, `what` "cluster".
template <class Options>
const Item<Options>* resolve(const Known<Options>& targets, const Node& table, std::string_view key,
                             std::string_view from, std::string_view what, Problems& problems) {
  const Node* value = table.find(key);
  if (value == nullptr || value->type != Node::Type::string || value->unusable) {
    return nullptr;  // reported already, or optional
  }
  const auto found = targets.by_name.find(value->text);
  if (found != targets.by_name.end()) {
    return found->second;
  }
  const std::string_view role = key == what ? std::string_view{} : key;
  std::string text =
      concat(from, ": ", role, role.empty() ? "" : ": ", what, " \"", value->written, "\" does not exist");
  const std::string_view meant =
      value->text == value->written ? nearest(value->text, targets.names) : std::string_view{};
  if (targets.names.size() > 10 && !meant.empty()) {
    text += concat("; did you mean \"", meant, "\"?");
  } else if (targets.names.empty()) {
    text += concat("; there is no ", what);
  } else {
    text += concat("; there are: ", listed(targets.names));
  }
  problems.error(value->place, text);
  return nullptr;
}

/// A pool with a role needs a probe that tells one.
void check_role(const Item<PoolOptions>& pool, const Item<Cluster>& cluster, Problems& problems) {
  if (pool.options.role == PoolRole::any) {
    return;
  }
  const std::optional<healthcheck::ProbeOptions>& probe = cluster.options.probe;
  const bool broken = cluster.options.options.probed && !probe;  // its probe is reported already
  const bool patroni = probe && std::holds_alternative<healthcheck::PatroniProbeOptions>(probe->kind);
  if (patroni && pool.options.max_lag_time) {
    problems.error(
        pool.place_of("max_lag"),
        concat("pool \"", pool.options.name, "\": max_lag ", to_string(*pool.options.max_lag_time),
               " is a duration, and a probe of type patroni tells the lag in bytes; write a size like \"16MB\""));
  }
  if (broken || patroni) {
    return;
  }
  const std::string_view role = pool.options.role == PoolRole::primary ? "primary" : "replica";
  const std::string has = probe ? concat("a probe of type ", type_of(*probe)) : "no probe";
  problems.error(pool.place_of("role"), concat("pool \"", pool.options.name, "\": role = \"", role,
                                               "\" needs a probe that tells roles, and cluster \"", name_of(cluster),
                                               "\" has ", has, "; there is: patroni"));
}

/// Follows `fallback` from each pool; a circle is reported once, at its first pool in the file.
void check_fallback_circles(const Draft& draft, const Known<PoolOptions>& pools, Problems& problems) {
  std::set<std::string_view> done;
  for (const Item<PoolOptions>& start : draft.pools) {
    std::vector<std::string_view> path;
    std::string_view at = start.options.name;
    while (!at.empty() && done.insert(at).second) {
      path.push_back(at);
      const auto next = pools.by_name.find(pools.by_name.at(at)->options.fallback);
      at = next == pools.by_name.end() ? std::string_view{} : next->first;
    }
    const auto back = std::find(path.begin(), path.end(), at);
    if (at.empty() || back == path.end()) {
      continue;
    }
    std::string circle;
    for (auto name = back; name != path.end(); ++name) {
      circle += concat(*name, " -> ");
    }
    if (std::next(back) == path.end()) {
      problems.error(pools.by_name.at(at)->place_of("fallback"), concat("pool \"", at, "\" falls back to itself"));
      continue;
    }
    problems.error(pools.by_name.at(at)->place_of("fallback"),
                   concat("pool \"", at, "\": fallback goes round in a circle: ", circle, at));
  }
}

void check_pools(const Draft& draft, Problems& problems) {
  const Known<Cluster> clusters = known(draft.clusters);
  const Known<PoolOptions> pools = known(draft.pools);
  std::set<std::string_view> used;
  for (const Item<PoolOptions>& pool : draft.pools) {
    const std::string from = concat("pool \"", pool.options.name, "\"");
    if (const auto* cluster = resolve(clusters, *pool.table, "cluster", from, "cluster", problems)) {
      used.insert(name_of(*cluster));
      check_role(pool, *cluster, problems);
    }
    resolve(pools, *pool.table, "fallback", from, "pool", problems);
  }
  check_fallback_circles(draft, pools, problems);
  for (const Item<Cluster>& cluster : draft.clusters) {
    if (!used.contains(name_of(cluster))) {
      problems.warning(cluster.place, concat("cluster \"", name_of(cluster), "\" is in no pool"));
    }
  }
}

/// A pool is in use when a listener feeds it, or a pool in use falls back to it.
void warn_of_unused_pools(const Draft& draft, const Known<PoolOptions>& pools, Problems& problems) {
  std::set<std::string_view> used;
  for (const auto& listener : draft.listeners) {
    auto pool = pools.by_name.find(listener.options.pool);
    while (pool != pools.by_name.end() && used.insert(pool->first).second) {
      pool = pools.by_name.find(pool->second->options.fallback);
    }
  }
  for (const Item<PoolOptions>& pool : draft.pools) {
    if (!used.contains(pool.options.name)) {
      problems.warning(pool.place, concat("pool \"", pool.options.name, "\": no listener feeds it"));
    }
  }
}

constexpr std::string_view kAdmin = "[admin]";

/// Where an endpoint is bound, and by whom.
struct Bound {
  std::string owner;  // `listener "web"`
  Place place;
};

/// The same endpoint twice is an error. An address beside its wildcard works, but surprises: the narrower one wins.
void check_binds(const Draft& draft, Problems& problems) {
  std::map<Endpoint, Bound> bound;
  if (draft.admin.listen) {
    bound.emplace(*draft.admin.listen, Bound{std::string(kAdmin), draft.admin_listen});
  }
  for (const auto& listener : draft.listeners) {
    const Node* binds = listener.table->find("bind");
    const std::string owner = concat("listener \"", listener.options.name, "\"");
    for (const Node& element : binds == nullptr ? std::vector<Node>{} : binds->elements) {
      const auto endpoint = Endpoint::parse(element.text);
      if (!endpoint || endpoint->port == 0) {
        continue;  // reported already
      }
      const auto [other, first] = bound.emplace(*endpoint, Bound{owner, element.place});
      if (!first) {
        const std::string whom = other->second.owner == owner ? "this listener" : other->second.owner;
        problems.error(element.place, concat(owner, ": ", quoted(element), " is bound by ", whom, " already"));
      }
    }
  }
  for (const auto& [endpoint, owner] : bound) {
    const IpAddress any = endpoint.address.is_v4() ? IpAddress{} : IpAddress(std::array<std::uint8_t, 16>{});
    const auto wildcard = bound.find(Endpoint{any, endpoint.port});
    if (wildcard == bound.end() || endpoint.address.is_unspecified()) {
      continue;
    }
    const Bound& wide = wildcard->second;
    if (owner.owner == kAdmin || wide.owner == kAdmin) {  // whose socket does not share its port
      const Bound& listener = owner.owner == kAdmin ? wide : owner;
      problems.error(listener.place, concat(listener.owner, ": ", to_string(wildcard->first), " and ",
                                            to_string(endpoint), " are one port, and ", kAdmin, " does not share it"));
      continue;
    }
    problems.warning(owner.place, concat(owner.owner, ": ", to_string(wildcard->first), " of ", wide.owner, " covers ",
                                         to_string(endpoint), " too; connections to it come here"));
  }
}

/// True if connections to `target` of this machine come to a socket bound to `bound`.
bool reaches(const Endpoint& target, const Endpoint& bound) {
  if (target == bound) {
    return true;
  }
  const auto here = [](const IpAddress& address) { return address.is_loopback() || address.is_unspecified(); };
  return target.port == bound.port && target.address.family() == bound.address.family() && here(target.address) &&
         (bound.address.is_unspecified() || (target.address.is_unspecified() && bound.address.is_loopback()));
}

/// A backend that is a listener of this file sends a client round and round until a limit ends it.
void warn_of_loops(const Draft& draft, Problems& problems) {
  for (const Item<Cluster>& cluster : draft.clusters) {
    const Node* backends = cluster.table->find("backends");
    for (const Node& backend : backends == nullptr ? std::vector<Node>{} : backends->elements) {
      const Node* address = backend.find("address");
      const auto target = address == nullptr ? Result<Endpoint>(Error{}) : Endpoint::parse(address->text);
      if (!target || target->port == 0) {
        continue;  // reported already
      }
      for (const auto& listener : draft.listeners) {
        const std::vector<Endpoint>& binds = listener.options.bind;
        if (std::any_of(binds.begin(), binds.end(), [&](const Endpoint& bound) { return reaches(*target, bound); })) {
          problems.warning(address->place,
                           concat("cluster \"", name_of(cluster), "\": ", quoted(*address), " is listener \"",
                                  listener.options.name, "\" of this file; connections may go round in a circle"));
        }
      }
    }
  }
}

}  // namespace

void validate(const Draft& draft, Problems& problems) {
  check_pools(draft, problems);
  const Known<PoolOptions> pools = known(draft.pools);
  for (const auto& listener : draft.listeners) {
    resolve(pools, *listener.table, "pool", concat("listener \"", listener.options.name, "\""), "pool", problems);
  }
  warn_of_unused_pools(draft, pools, problems);
  check_binds(draft, problems);
  warn_of_loops(draft, problems);
  validate_pair(draft, problems);
}

}  // namespace tandem::config
