#include "admin/text.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "admin/printable.hpp"
#include "base/text.hpp"

namespace tandem::admin {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kNamesMax = 4;  // of eligible backends in one cell

std::string or_dash(std::string text) { return text.empty() ? "-" : std::move(text); }

/// How long ago, in whole seconds.
std::string age(WallTime at, WallTime now) {
  return rounded(std::chrono::floor<std::chrono::seconds>(std::max<Duration>(now - at, 0s)));
}

/// Which addresses this node has, in a word.
std::string activity_text(const View& view, Colour colour) {
  std::vector<std::string> active;
  for (const VrrpView& router : view.vrrp) {
    if (router.state == "active") {
      active.push_back(printable(router.name));
    }
  }
  if (active.empty()) {
    const bool backup = std::all_of(view.vrrp.begin(), view.vrrp.end(),
                                    [](const VrrpView& router) { return router.state == "backup"; });
    return backup ? "backup" : toned("not active", Tone::warning, colour);
  }
  return toned(active.size() == view.vrrp.size() ? "active" : concat("active for ", join(active)), Tone::good, colour);
}

std::string node_text(const View& view, Colour colour) {
  const NodeView& node = view.node;
  std::string out = concat("Tandem ", printable(node.version), " on ", printable(node.name), ": ");
  out += view.vrrp.empty() ? std::string() : concat(activity_text(view, colour), ", ");
  out += node.ready ? toned("ready", Tone::good, colour) : toned("not ready", Tone::bad, colour);
  out += concat(", up ", rounded(std::chrono::floor<std::chrono::seconds>(node.uptime)), ", ", node.workers,
                node.workers == 1 ? " worker\n" : " workers\n");
  for (const std::string& reason : node.reasons) {
    out += concat("  ", toned(printable(reason), Tone::warning, colour), "\n");
  }
  return out;
}

std::string config_text(const View& view, Colour colour) {
  const ConfigView& config = view.config;
  const WallTime taken_over = config.last_success_at.value_or(config.last_reload_at);
  std::string out = concat("Configuration ", printable(config.file), ", in use for ", age(taken_over, view.at), "\n");
  if (!config.last_reload_successful) {
    out += toned(concat("The reload ", age(config.last_reload_at, view.at), " ago failed and changed nothing:"),
                 Tone::bad, colour);
    std::string_view rest = config.error;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      out += concat("\n  ", printable(rest.substr(0, end)));
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    }
    out += '\n';
  }
  return out;
}

Cell state_of(const VrrpView& router) {
  if (router.leaving) {
    return {concat(router.state, " (leaving)"), Tone::warning};
  }
  if (router.contested) {
    return {router.state, Tone::bad};
  }
  return {router.state, router.state == "active" ? Tone::good : router.state == "backup" ? Tone::plain : Tone::warning};
}

std::string priority_of(const VrrpView& router) {
  return router.priority == router.priority_configured ? std::to_string(router.priority)
                                                       : concat(router.priority, " of ", router.priority_configured);
}

/// Who has the addresses, as far as this node knows.
std::string holder_of(const VrrpView& router) {
  if (router.state == "active") {
    return "this node";
  }
  if (router.active_router.empty()) {
    return "-";
  }
  return router.active_priority ? concat(router.active_router, " (", *router.active_priority, ")")
                                : router.active_router;
}

/// What is wrong with a virtual router, a line each.
std::vector<Cell> troubles_of(const VrrpView& router) {
  std::vector<Cell> out;
  const bool active = router.state == "active";
  if (router.contested) {
    out.push_back({concat("another router is active too",
                          router.active_router.empty() ? std::string() : concat(", ", router.active_router),
                          ": the nodes do not hear each other, or share a virtual router id with a stranger"),
                   Tone::bad});
  }
  if (active && !router.leaving && !router.holds_addresses) {
    out.push_back({"active without all of its addresses on the interface", Tone::bad});
  }
  if (!active && router.holds_addresses) {
    out.push_back({concat(router.state, " with addresses on the interface that are the active node's"), Tone::bad});
  }
  if (router.heard_nobody) {
    out.push_back({concat("heard nobody since the start: is multicast (or protocol 112) filtered?",
                          active ? " A backup is silent, so see whether the other node is active too" : ""),
                   Tone::warning});
  }
  for (const std::string& reason : router.reasons) {
    out.push_back({reason, Tone::warning});
  }
  return out;
}

std::string routers_text(const View& view, Colour colour) {
  Table table({"INSTANCE", "STATE", "FOR", ">PRIORITY", "INTERFACE", "ACTIVE NODE", "ADDRESSES"});
  std::string troubles;
  for (const VrrpView& router : view.vrrp) {
    table.add({{router.name},
               state_of(router),
               {router.since ? age(*router.since, view.at) : "-"},
               {priority_of(router), router.priority == router.priority_configured ? Tone::plain : Tone::warning},
               {concat(router.interface, " id ", router.id)},
               {holder_of(router)},
               {join(router.addresses)}});
    for (const Cell& trouble : troubles_of(router)) {
      troubles += concat(
          "  ", toned(concat(printable(router.name), ": ", printable(trouble.text)), trouble.tone, colour), "\n");
    }
  }
  return table.text(colour, 0) + troubles;
}

std::string peer_text(const PeerView& peer, Colour colour) {
  const std::string since = rounded(std::chrono::floor<std::chrono::seconds>(peer.since));
  const std::string who = peer.node.empty() ? std::string() : concat(printable(peer.node), " at ");
  std::string out = concat("Peer ", who, printable(peer.address), ": ");
  if (!peer.up) {
    out += toned(concat("no link for ", since), Tone::warning, colour);
    return out + (peer.reason.empty() ? std::string("\n") : concat(": ", printable(peer.reason), "\n"));
  }
  out += concat(toned("linked", Tone::good, colour), " for ", since);
  out += peer.round_trip ? concat(", round trip ", rounded(*peer.round_trip)) : std::string();
  out += peer.version.empty() ? std::string() : concat(", Tandem ", printable(peer.version));
  return out + "\n";
}

std::string listeners_text(const View& view, Colour colour) {
  Table table({"LISTENER", "ADDRESS", "POOL", ">ACTIVE", ">TOTAL", ">REJECTED", ">IN", ">OUT"});
  for (const ListenerView& listener : view.listeners) {
    const Tone tone = listener.draining ? Tone::warning : Tone::plain;
    table.add({{listener.draining ? concat(listener.name, " (draining)") : listener.name, tone},
               {join(listener.binds)},
               {listener.pool},
               {std::to_string(listener.active)},
               {std::to_string(listener.total)},
               {std::to_string(listener.rejected), listener.rejected > 0 ? Tone::warning : Tone::plain},
               {bytes_rounded(listener.bytes_received)},
               {bytes_rounded(listener.bytes_sent)}});
  }
  return table.text(colour, 0);
}

/// The names while they are few, else their number.
std::string names_or_number(const std::vector<std::string>& names) {
  return names.size() <= kNamesMax ? join(names) : concat(names.size(), " backends");
}

Cell takers(const PoolView& pool) {
  if (pool.fail_open) {
    return {concat("all of ", pool.cluster, ", none is healthy"), Tone::bad};
  }
  if (pool.fallback_active) {
    return {concat("none, falls back to ", pool.fallback), Tone::warning};
  }
  if (pool.eligible.empty()) {
    return {"none", Tone::bad};
  }
  return {names_or_number(pool.eligible), Tone::good};
}

std::string pools_text(const View& view, Colour colour) {
  Table table({"POOL", "CLUSTER", "ROLE", "BALANCE", ">ACTIVE", ">TOTAL", ">HELD", ">QUEUED", "BACKENDS"});
  for (const PoolView& pool : view.pools) {
    table.add({{pool.name},
               {pool.cluster},
               {pool.role},
               {pool.balance},
               {std::to_string(pool.active)},
               {std::to_string(pool.total)},
               {std::to_string(pool.held), pool.held > 0 ? Tone::warning : Tone::plain},
               {std::to_string(pool.queued), pool.queued > 0 ? Tone::warning : Tone::plain},
               takers(pool)});
  }
  return table.text(colour, 0);
}

Cell state_of(const BackendView& backend) {
  if (!backend.known) {
    return {"unknown", Tone::warning};
  }
  if (!backend.up) {
    return {"down", Tone::bad};
  }
  if (backend.override_state) {
    return {backend.override_state->state, Tone::warning};
  }
  return {"up", Tone::good};
}

std::string lag_of(const BackendView& backend) {
  if (backend.lag_bytes) {
    return bytes_rounded(*backend.lag_bytes);
  }
  return backend.lag_time ? rounded(*backend.lag_time) : "-";
}

std::string override_text(const OverrideView& order, WallTime now) {
  std::string out = concat(order.state, " by ", order.who, " for ", age(order.at, now));
  out += order.until ? concat(", ", age(now, *order.until), " left") : std::string();
  out += order.reason.empty() ? std::string() : concat(": ", order.reason);
  return out;
}

std::string note_of(const BackendView& backend, WallTime now) {
  std::vector<std::string> notes;
  if (backend.override_state) {
    notes.push_back(override_text(*backend.override_state, now));
  }
  if (!backend.reason.empty()) {
    notes.push_back(backend.reason);
  }
  if (backend.weight == 0) {
    notes.emplace_back("weight 0");
  }
  if (!backend.takes_reads) {
    notes.emplace_back("asked to take no reads");
  }
  return join(notes, "; ");
}

/// Who say they are the primary.
std::vector<std::string> claimants_of(const ClusterView& cluster) {
  if (!cluster.conflict.empty()) {
    return cluster.conflict;
  }
  std::vector<std::string> out;
  for (const BackendView& backend : cluster.backends) {
    if (backend.known && backend.up && backend.role == Role::primary) {
      out.push_back(backend.name);
    }
  }
  return out;
}

/// Why nobody gets the writes, or how a conflict was settled, and the way out. Empty: all is well.
std::string primacy_text(const ClusterView& cluster) {
  const bool unsettled = cluster.primary.empty() && !cluster.conflict_reason.empty();
  if (cluster.conflict.empty() && !unsettled) {
    return {};
  }
  std::string out = cluster.conflict.empty() ? std::string("no primary")
                                             : concat(join(cluster.conflict, " and "), " say they are the primary");
  out += concat(": ", cluster.conflict_reason);
  std::vector<std::string> ways;
  for (const std::string& claimant : claimants_of(cluster)) {
    ways.push_back(concat("tandem promote ", cluster.name, "/", claimant));
  }
  if (unsettled && !ways.empty()) {
    out += concat("; the way out: ", join(ways, " or "));
  }
  return out;
}

std::string cluster_head(const ClusterView& cluster, Colour colour) {
  std::size_t up = 0;
  for (const BackendView& backend : cluster.backends) {
    up += backend.known && backend.up ? 1U : 0U;
  }
  std::string out = toned(concat("Cluster ", printable(cluster.name)), Tone::heading, colour);
  out += concat(": ", up, " of ", cluster.backends.size(), " up");
  out += cluster.probe.empty() ? ", not probed" : concat(", probed by ", printable(cluster.probe));
  out += cluster.primary.empty() ? std::string() : concat(", primary ", printable(cluster.primary));
  out += '\n';
  if (const std::string primacy = primacy_text(cluster); !primacy.empty()) {
    out += toned(concat("  ", printable(primacy)), Tone::bad, colour) + "\n";
  }
  return out;
}

std::string cluster_text(const ClusterView& cluster, WallTime now, Colour colour) {
  Table table({"BACKEND", "ADDRESS", "STATE", "FOR", "ROLE", ">LAG", ">SESSIONS", ">TOTAL", ">PROBE", "NOTE"});
  for (const BackendView& backend : cluster.backends) {
    table.add({{backend.name},
               {backend.address},
               state_of(backend),
               {backend.since ? age(*backend.since, now) : "-"},
               {backend.role == Role::none ? "-" : std::string(to_string(backend.role))},
               {lag_of(backend)},
               {std::to_string(backend.sessions)},
               {std::to_string(backend.total)},
               {backend.probe_duration ? rounded(*backend.probe_duration) : "-"},
               {or_dash(note_of(backend, now))}});
  }
  return cluster_head(cluster, colour) + table.text(colour, 2);
}

}  // namespace

std::string status_text(const View& view, Colour colour) {
  std::string out = node_text(view, colour);
  out += view.vrrp.empty() ? std::string() : concat("\n", routers_text(view, colour));
  out += view.peer ? peer_text(*view.peer, colour) : std::string();
  out += view.vrrp.empty() && !view.peer ? std::string() : std::string("\n");
  out += config_text(view, colour);
  if (!view.listeners.empty()) {
    out += "\n" + listeners_text(view, colour);
  }
  if (!view.pools.empty()) {
    out += "\n" + pools_text(view, colour);
  }
  for (const ClusterView& cluster : view.clusters) {
    out += "\n" + cluster_text(cluster, view.at, colour);
  }
  return out;
}

}  // namespace tandem::admin
