#include "config/diff.hpp"

#include <algorithm>
#include <map>
#include <string_view>

#include "base/text.hpp"
#include "config/names.hpp"
#include "config/network_text.hpp"
#include "config/problems.hpp"

namespace tandem::config {

namespace {

const std::string& name_of(const Cluster& cluster) { return cluster.options.name; }
template <class Options>
const std::string& name_of(const Options& options) {
  return options.name;
}

/// What people want to know of a change besides the name: " (new address)".
std::string detail(const Cluster&, const Cluster&) { return {}; }
std::string detail(const lb::PoolOptions&, const lb::PoolOptions&) { return {}; }
std::string detail(const lb::BackendOptions& before, const lb::BackendOptions& after) {
  return before.address == after.address ? std::string() : " (new address)";
}
std::string detail(const lb::ListenerOptions& before, const lb::ListenerOptions& after) {
  const auto lacks = [](const std::vector<Endpoint>& places, const Endpoint& place) {
    return std::find(places.begin(), places.end(), place) == places.end();
  };
  std::vector<std::string> parts;
  for (const Endpoint& opened : after.bind) {
    if (lacks(before.bind, opened)) {
      parts.push_back(concat("+", to_string(opened)));
    }
  }
  for (const Endpoint& closed : before.bind) {
    if (lacks(after.bind, closed)) {
      parts.push_back(concat("-", to_string(closed)));
    }
  }
  return parts.empty() ? std::string() : concat(" (", join(parts), ")");
}

/// What an operator asks first of another virtual router: who wins, and which addresses.
std::string detail(const vrrp::Options& before, const vrrp::Options& after) {
  std::vector<std::string> parts;
  if (before.priority != after.priority) {
    parts.push_back(
        concat("priority ", static_cast<unsigned>(before.priority), " -> ", static_cast<unsigned>(after.priority)));
  }
  const auto lacks = [](const vrrp::Options& options, const vrrp::VirtualAddress& address) {
    return std::find(options.addresses.begin(), options.addresses.end(), address) == options.addresses.end();
  };
  for (const vrrp::VirtualAddress& added : after.addresses) {
    if (lacks(before, added)) {
      parts.push_back(concat("+", to_string(added)));
    }
  }
  for (const vrrp::VirtualAddress& removed : before.addresses) {
    if (lacks(after, removed)) {
      parts.push_back(concat("-", to_string(removed)));
    }
  }
  if (before.authentication != after.authentication || before.password != after.password) {
    parts.emplace_back("authentication");
  }
  return parts.empty() ? std::string() : concat(" (", join(parts), ")");
}

template <class Options>
std::map<std::string_view, const Options*> by_name(const std::vector<Options>& items) {
  std::map<std::string_view, const Options*> out;
  for (const Options& item : items) {
    out.emplace(name_of(item), &item);
  }
  return out;
}

/// Adds what differs to `out`, each name after `prefix`.
template <class Options>
void compare(const std::vector<Options>& running, const std::vector<Options>& next, const std::string& prefix,
             Changes& out) {
  const auto before = by_name(running);
  const auto after = by_name(next);
  for (const Options& item : running) {
    if (!after.contains(name_of(item))) {
      out.removed.push_back(prefix + name_of(item));
    }
  }
  for (const Options& item : next) {
    const auto was = before.find(name_of(item));
    if (was == before.end()) {
      out.added.push_back(prefix + name_of(item));
    } else if (*was->second != item) {
      out.changed.push_back(concat(prefix, name_of(item), detail(*was->second, item)));
    }
  }
}

void compare_clusters(const Config& running, const Config& next, Diff& out) {
  compare(running.clusters, next.clusters, "", out.clusters);
  const auto before = by_name(running.clusters);
  for (const Cluster& cluster : next.clusters) {
    const auto was = before.find(name_of(cluster));
    if (was == before.end()) {
      continue;
    }
    compare(was->second->options.backends, cluster.options.backends, name_of(cluster) + "/", out.backends);
    const auto& old_probe = was->second->probe;
    if (old_probe == cluster.probe) {
      continue;
    }
    auto& list = !old_probe ? out.probes.added : !cluster.probe ? out.probes.removed : out.probes.changed;
    list.push_back(name_of(cluster));
  }
}

/// Notes a setting that differs as "KEY: OLD -> NEW".
void note(std::vector<std::string>& out, std::string_view key, const std::string& before, const std::string& after) {
  if (before != after) {
    const auto shown = [](const std::string& value) { return value.empty() ? std::string("none") : value; };
    out.push_back(concat(key, ": ", shown(before), " -> ", shown(after)));
  }
}

std::string shown(const std::optional<Endpoint>& endpoint) { return endpoint ? to_string(*endpoint) : std::string(); }

void compare_settings(const Config& running, const Config& next, Diff& out) {
  note(out.settings, "node.drain_timeout", to_string(running.node.drain_timeout), to_string(next.node.drain_timeout));
  note(out.settings, "node.shutdown_timeout", to_string(running.node.shutdown_timeout),
       to_string(next.node.shutdown_timeout));
  note(out.settings, "node.hang_timeout", to_string(running.node.hang_timeout), to_string(next.node.hang_timeout));
  note(out.settings, "log.level", std::string(name(running.log.level)), std::string(name(next.log.level)));
  note(out.settings, "log.session_sample", std::to_string(running.log.session_sample),
       std::to_string(next.log.session_sample));
  note(out.needs_restart, "node.name", running.node.name, next.node.name);
  note(out.needs_restart, "node.workers", std::to_string(running.node.workers), std::to_string(next.node.workers));
  note(out.needs_restart, "node.user", running.node.user, next.node.user);
  note(out.needs_restart, "log.format", std::string(name(running.log.format)), std::string(name(next.log.format)));
  note(out.settings, "admin.listen", shown(running.admin.listen), shown(next.admin.listen));
  note(out.settings, "admin.socket", running.admin.socket, next.admin.socket);
  note(out.settings, "admin.token_file", running.admin.token_file, next.admin.token_file);
}

void compare_peers(const std::optional<peer::Options>& running, const std::optional<peer::Options>& next, Diff& out) {
  const auto text = [](const std::optional<peer::Options>& peer, const auto& member) {
    return peer ? member(*peer) : std::string();
  };
  const auto compared = [&](std::string_view key, const auto& member) {
    note(out.settings, key, text(running, member), text(next, member));
  };
  const auto certificate = [](const peer::Options& peer, std::string peer::Certificates::*file) {
    return peer.certificates ? (*peer.certificates).*file : std::string();
  };
  compared("peer.address", [](const peer::Options& peer) { return to_string(peer.address); });
  compared("peer.listen", [](const peer::Options& peer) { return to_string(peer.listen); });
  compared("peer.key_file", [](const peer::Options& peer) { return peer.key_file; });
  compared("peer.cert_file",
           [&](const peer::Options& peer) { return certificate(peer, &peer::Certificates::cert_file); });
  compared("peer.cert_key_file",
           [&](const peer::Options& peer) { return certificate(peer, &peer::Certificates::cert_key_file); });
  compared("peer.ca_file", [&](const peer::Options& peer) { return certificate(peer, &peer::Certificates::ca_file); });
}

void describe(std::vector<std::string>& out, std::string_view kind, const Changes& changes) {
  constexpr std::size_t shown_max = 20;
  const auto line = [&](std::string_view what, const std::vector<std::string>& names) {
    if (names.empty()) {
      return;
    }
    const std::vector<std::string> first(
        names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), shown_max)));
    const std::string more =
        names.size() > shown_max ? concat(" and ", names.size() - shown_max, " more") : std::string();
    out.push_back(concat(kind, " ", what, ": ", join(first), more));
  };
  line("added", changes.added);
  line("removed", changes.removed);
  line("changed", changes.changed);
}

}  // namespace

bool Diff::empty() const {
  return listeners.empty() && clusters.empty() && backends.empty() && probes.empty() && pools.empty() && vrrp.empty() &&
         settings.empty() && needs_restart.empty();
}

Diff diff(const Config& running, const Config& next) {
  Diff out;
  compare(running.listeners, next.listeners, "", out.listeners);
  compare(running.pools, next.pools, "", out.pools);
  compare_clusters(running, next, out);
  compare(running.vrrp, next.vrrp, "", out.vrrp);
  compare_settings(running, next, out);
  compare_peers(running.peer, next.peer, out);
  return out;
}

std::vector<std::string> described(const Diff& diff) {
  std::vector<std::string> out;
  // A changed cluster is told by its backends and its probe.
  describe(out, "clusters", {diff.clusters.added, diff.clusters.removed, {}});
  describe(out, "backends", diff.backends);
  describe(out, "probes", diff.probes);
  describe(out, "pools", diff.pools);
  describe(out, "listeners", diff.listeners);
  describe(out, "vrrp instances", diff.vrrp);
  out.insert(out.end(), diff.settings.begin(), diff.settings.end());
  for (const std::string& setting : diff.needs_restart) {
    out.push_back(concat(setting, " needs a restart"));
  }
  return out;
}

}  // namespace tandem::config
