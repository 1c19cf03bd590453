#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/text.hpp"
#include "config/draft.hpp"
#include "config/network_text.hpp"
#include "config/section.hpp"

namespace tandem::config {

namespace {

using Router = Item<VirtualRouter>;

const vrrp::Options& options_of(const Router& router) { return router.options.options; }

std::string subject_of(const Router& router) { return concat("vrrp \"", options_of(router).name, "\""); }

std::string at_line(Place place) { return concat("line ", place.line); }

bool is_v4(const vrrp::Options& options) { return options.addresses.empty() || options.addresses[0].address.is_v4(); }

/// The elements of an array of the router's table, where it has one.
const std::vector<Node>& elements(const Router& router, std::string_view key) {
  static const std::vector<Node> none;
  const Node* list = router.table->find(key);
  return list == nullptr ? none : list->elements;
}

void check_names(const Draft& draft, Problems& problems) {
  std::map<std::string_view, const Router*> names;
  for (const Router& router : draft.routers) {
    const auto [other, first] = names.emplace(options_of(router).name, &router);
    if (!first) {
      problems.error(router.place_of("name"), concat("two instances of [[vrrp]] are called \"", options_of(router).name,
                                                     "\", the other one in ", at_line(other->second->place)));
    }
  }
}

/// One id, one virtual router: per interface and family, and with a link to the other node per family alone, since it
/// names a router by these.
void check_ids(const Draft& draft, Problems& problems) {
  std::map<std::tuple<std::string_view, bool, vrrp::VirtualRouterId>, const Router*> ids;
  for (const Router& router : draft.routers) {
    const vrrp::Options& options = options_of(router);
    if (!router.table->find("id") || options.interface.empty()) {
      continue;  // reported already
    }
    const auto [other, first] = ids.emplace(
        std::tuple{draft.peer ? std::string_view() : std::string_view(options.interface), is_v4(options), options.id},
        &router);
    if (!first) {
      const Place place = other->second->place_of("id");
      problems.error(
          router.place_of("id"),
          concat(subject_of(router), ": id ", static_cast<unsigned>(options.id), " on ", options.interface, " is ",
                 subject_of(*other->second), "'s already, ", at_line(place), " column ", place.column,
                 draft.peer ? "; with [peer] an id is used once per address family"
                            : "; an id is used once per interface and address family"));
    }
  }
}

/// An address is one instance's. Link-local ones are the link's, so another interface may have the same.
void check_addresses(const Draft& draft, Problems& problems) {
  std::map<std::pair<IpAddress, std::string_view>, const Router*> holders;
  for (const Router& router : draft.routers) {
    for (const Node& element : elements(router, "addresses")) {
      const auto address = parse_virtual_address(element);
      if (element.type != Node::Type::string || !address) {
        continue;  // reported already
      }
      const std::string_view link =
          is_link_local(address->address) ? std::string_view(options_of(router).interface) : std::string_view{};
      const auto [other, first] = holders.emplace(std::pair{address->address, link}, &router);
      if (!first && other->second != &router) {
        problems.error(element.place, concat(subject_of(router), ": addresses: ", quoted(element), " is ",
                                             subject_of(*other->second), "'s already"));
      }
    }
  }
}

void check_sync_groups(const Draft& draft, Problems& problems) {
  std::map<std::string_view, std::vector<const Router*>> groups;
  for (const Router& router : draft.routers) {
    if (!options_of(router).sync_group.empty()) {
      groups[options_of(router).sync_group].push_back(&router);
    }
  }
  for (const auto& group : groups) {
    const std::string_view name = group.first;
    const std::vector<const Router*>& members = group.second;
    const Router& first = *members.front();
    if (members.size() == 1) {
      problems.warning(first.place_of("sync_group"), concat(subject_of(first), ": nobody else is in sync_group \"",
                                                            name, "\", so it ties nothing together"));
    }
    for (const Router* member : members) {
      const auto differs = [&](std::string_view key, const std::string& what) {
        problems.warning(member->place_of(key), concat(subject_of(*member), ": ", key, " differs from that of ",
                                                       subject_of(first), " in sync_group \"", name, "\"; ", what));
      };
      if (options_of(*member).preempt != options_of(first).preempt) {
        differs("preempt", "when one of them preempts, it takes the others with it");
      }
      if (options_of(*member).priority != options_of(first).priority) {
        differs("priority", "the group can only be where all of them win");
      }
    }
  }
}

void check_clusters(const Draft& draft, Problems& problems) {
  std::vector<std::string_view> names;
  std::map<std::string_view, const Cluster*> clusters;
  for (const Item<Cluster>& cluster : draft.clusters) {
    names.push_back(cluster.options.options.name);
    clusters.emplace(cluster.options.options.name, &cluster.options);
  }
  for (const Router& router : draft.routers) {
    for (const Node& element : elements(router, "track_clusters")) {
      const Node* name = element.find("name");
      if (name == nullptr || name->type != Node::Type::string || name->unusable) {
        continue;  // reported already
      }
      const auto found = clusters.find(name->text);
      if (found != clusters.end()) {
        if (!found->second->options.probed) {
          problems.warning(name->place, concat(subject_of(router), ": track_clusters: cluster ", quoted(*name),
                                               " has no probe, so it is never down"));
        }
        continue;
      }
      const std::string_view meant = name->text == name->written ? nearest(name->text, names) : std::string_view{};
      problems.error(name->place,
                     concat(subject_of(router), ": track_clusters: cluster ", quoted(*name), " does not exist; ",
                            !meant.empty()  ? concat("did you mean \"", meant, "\"?")
                            : names.empty() ? std::string("there is no cluster")
                                            : concat("there are: ", listed(names))));
    }
  }
}

bool is_served(const vrrp::VirtualAddress& address, const Draft& draft) {
  for (const auto& listener : draft.listeners) {
    for (const Endpoint& bound : listener.options.bind) {
      const bool any = bound.address.is_unspecified() && bound.address.family() == address.address.family();
      if (any || bound.address == address.address) {
        return true;
      }
    }
  }
  return false;
}

/// An address that moves and where nobody listens.
void warn_of_unserved(const Draft& draft, Problems& problems) {
  for (const Router& router : draft.routers) {
    const std::vector<vrrp::VirtualAddress>& addresses = options_of(router).addresses;
    const bool served = std::any_of(addresses.begin(), addresses.end(),
                                    [&](const vrrp::VirtualAddress& address) { return is_served(address, draft); });
    if (!served && !addresses.empty()) {
      problems.warning(router.place_of("addresses"),
                       concat(subject_of(router), ": no listener binds any of its addresses"));
    }
  }
}

/// What must not be on an address that moves.
void check_fixed_endpoints(const Draft& draft, Problems& problems) {
  for (const Router& router : draft.routers) {
    for (const vrrp::VirtualAddress& address : options_of(router).addresses) {
      const std::string moves = concat(" is an address of ", subject_of(router), ", which only the active node has");
      for (const std::string_view key : {"address", "listen"}) {
        if (!draft.peer) {
          continue;
        }
        const Endpoint& end = key == "listen" ? draft.peer->options.listen : draft.peer->options.address;
        if (end.port != 0 && end.address == address.address) {
          problems.error(draft.peer->place_of(key),
                         concat("[peer]: ", key, " ", to_string(end), moves, "; write the node's own"));
        }
      }
      if (draft.admin.listen && draft.admin.listen->address == address.address) {
        problems.error(draft.admin_listen, concat("[admin]: listen ", to_string(*draft.admin.listen), moves));
      }
    }
  }
}

const HostInterface* find(const Host& host, std::string_view name) {
  const auto found = std::find_if(host.interfaces.begin(), host.interfaces.end(),
                                  [&](const HostInterface& interface) { return interface.name == name; });
  return found == host.interfaces.end() ? nullptr : &*found;
}

std::string shown(const HostAddress& address) { return concat(to_string(address.address), "/", address.prefix_length); }

bool is_virtual(const Draft& draft, const IpAddress& address) {
  for (const Router& router : draft.routers) {
    for (const vrrp::VirtualAddress& own : options_of(router).addresses) {
      if (own.address == address) {
        return true;
      }
    }
  }
  return false;
}

/// The interface's network that an address lies in; virtual addresses have none of their own.
const HostAddress* network_of(const Draft& draft, const HostInterface& interface, const IpAddress& address) {
  for (const HostAddress& own : interface.addresses) {
    if (!is_virtual(draft, own.address) && own.address.family() == address.family() &&
        in_one_network(own.address, address, own.prefix_length)) {
      return &own;
    }
  }
  return nullptr;
}

/// A length that does not fit the interface's network.
void compare_length(const Draft& draft, const Router& router, const HostInterface& interface, const Node& element,
                    Problems& problems) {
  const auto address = parse_virtual_address(element);
  if (element.type != Node::Type::string || !address || is_link_local(address->address)) {
    return;
  }
  const unsigned full = address->address.is_v4() ? 32 : 128;
  const HostAddress* network = network_of(draft, interface, address->address);
  const std::string from = concat(subject_of(router), ": addresses: ", quoted(element));
  if (network == nullptr) {
    problems.warning(element.place, concat(from, " is in no network of ", interface.name,
                                           " on this machine; neighbours find it by a route only"));
    return;
  }
  if (network->prefix_length == address->prefix_length) {
    return;
  }
  const std::string other = concat(" here has ", shown(*network), ", so /", network->prefix_length);
  if (address->prefix_length == full) {
    problems.warning(
        element.place,
        concat(from, element.text.find('/') == std::string::npos ? concat(" means /", full, ", and ") : ": ",
               interface.name, other, " was probably meant; /", full, " works too"));
    return;
  }
  problems.warning(element.place, concat(from, ": ", interface.name, other, " was probably meant; with /",
                                         address->prefix_length, " some neighbours would be reached another way"));
}

void compare_addresses(const Draft& draft, const Router& router, const HostInterface& interface, Problems& problems) {
  const vrrp::Options& options = options_of(router);
  for (const Node& element : elements(router, "addresses")) {
    if (options.priority != vrrp::kOwner) {  // whose addresses are the interface's own
      compare_length(draft, router, interface, element, problems);
    }
  }
  const auto is_missing = [&](const vrrp::VirtualAddress& address) {
    return std::none_of(interface.addresses.begin(), interface.addresses.end(),
                        [&](const HostAddress& own) { return own.address == address.address; });
  };
  const auto missing = std::find_if(options.addresses.begin(), options.addresses.end(), is_missing);
  if (options.priority == vrrp::kOwner && missing != options.addresses.end()) {
    problems.warning(router.place_of("priority"),
                     concat(subject_of(router), ": priority 255 is the owner's, and ", interface.name,
                            " on this machine does not have ", to_string(missing->address), "; others have 1 to 254"));
  }
}

void compare_peers(const Router& router, const Host& host, Problems& problems) {
  for (const Node& element : elements(router, "peers")) {
    const auto peer = IpAddress::parse(element.text);
    for (const HostInterface& interface : host.interfaces) {
      const bool own = peer && std::any_of(interface.addresses.begin(), interface.addresses.end(),
                                           [&](const HostAddress& address) { return address.address == *peer; });
      if (own) {
        problems.warning(element.place, concat(subject_of(router), ": peers: ", quoted(element), " is ", interface.name,
                                               "'s on this machine; name the other node's address"));
      }
    }
  }
}

void warn_of_missing(const Router& router, Place place, std::string_view name, const Host& host, Problems& problems) {
  if (name.empty() || find(host, name) != nullptr) {
    return;
  }
  std::vector<std::string_view> names;
  for (const HostInterface& interface : host.interfaces) {
    if (interface.name != "lo") {
      names.push_back(interface.name);
    }
  }
  problems.warning(place, concat(subject_of(router), ": this machine has no interface \"", name,
                                 "\"; it has: ", names.empty() ? std::string("none but lo") : listed(names)));
}

}  // namespace

void validate_pair(const Draft& draft, Problems& problems) {
  check_names(draft, problems);
  check_ids(draft, problems);
  check_addresses(draft, problems);
  check_sync_groups(draft, problems);
  check_clusters(draft, problems);
  warn_of_unserved(draft, problems);
  check_fixed_endpoints(draft, problems);
}

void compare_with_host(const Draft& draft, const Host& host, Problems& problems) {
  for (const Router& router : draft.routers) {
    const vrrp::Options& options = options_of(router);
    warn_of_missing(router, router.place_of("interface"), options.interface, host, problems);
    for (const vrrp::TrackedInterface& tracked : options.track_interfaces) {
      warn_of_missing(router, router.place_of("track_interfaces"), tracked.interface, host, problems);
    }
    if (const HostInterface* interface = find(host, options.interface)) {
      compare_addresses(draft, router, *interface, problems);
    }
    compare_peers(router, host, problems);
  }
}

}  // namespace tandem::config
