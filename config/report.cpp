#include "config/report.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>

#include "base/text.hpp"
#include "config/detection.hpp"
#include "config/failover.hpp"
#include "config/json_text.hpp"
#include "config/names.hpp"
#include "config/network_text.hpp"
#include "config/problems.hpp"

namespace tandem::config {

namespace {

std::string counted(std::size_t count, std::string_view what) {
  return concat(count, " ", what, count == 1 ? "" : "s");
}

std::size_t count(const Reading& reading, Problem::Severity severity) {
  return static_cast<std::size_t>(std::count_if(reading.problems.begin(), reading.problems.end(),
                                                [&](const Problem& problem) { return problem.severity == severity; }));
}

const lb::PoolOptions* find_pool(const Config& config, std::string_view name) {
  const auto found = std::find_if(config.pools.begin(), config.pools.end(),
                                  [&](const lb::PoolOptions& pool) { return pool.name == name; });
  return found == config.pools.end() ? nullptr : &*found;
}

/// The place and the severity stand out as a compiler's do.
std::string coloured(const Problem& problem, std::string_view file) {
  const std::string line = to_string(problem, file);
  const bool error = problem.severity == Problem::Severity::error;
  const std::string_view severity = error ? "error:" : "warning:";
  const auto at = line.find(severity, file.size());
  return concat("\x1b[1m", line.substr(0, at), error ? "\x1b[31m" : "\x1b[35m", severity, "\x1b[0m",
                line.substr(at + severity.size()));
}

std::string noticed(const Cluster& cluster) {
  if (!cluster.probe) {
    return "not probed, so every backend counts as reachable";
  }
  const Detection worst = detection(*cluster.probe);
  std::string text = concat("a dead backend is noticed within ", rounded(worst.refused), " when it refuses, ",
                            rounded(worst.silent), " when it is silent");
  if (worst.new_primary) {
    text += concat("; a new primary within ", rounded(*worst.new_primary), " and the time of its answer");
  }
  return text;
}

/// Where a virtual router is and who wins it.
std::string place(const vrrp::Options& router) {
  std::vector<std::string> addresses;
  for (const vrrp::VirtualAddress& address : router.addresses) {
    addresses.push_back(to_string(address));
  }
  std::vector<std::string> peers;
  for (const IpAddress& peer : router.peers) {
    peers.push_back(to_string(peer));
  }
  return concat(join(addresses), " on ", router.interface, ", id ", static_cast<unsigned>(router.id), ", version ",
                static_cast<unsigned>(router.version), ", every ", to_string(router.interval),
                peers.empty() ? std::string(" by multicast") : concat(" to ", join(peers)), "; priority ",
                static_cast<unsigned>(router.priority),
                router.preempt == vrrp::Preempt::yes ? ", preempts: the other node needs another priority" : "",
                router.sync_group.empty() ? std::string() : concat("; with sync group ", router.sync_group));
}

/// A process that hangs sends no adverts either, so its peer or its watcher ends the wait, whoever is first.
Duration hang_noticed(const Config& config, Duration farewell, Duration silence) {
  return std::min(config.node.hang_timeout + farewell, silence);
}

/// What it costs when the other node goes and this one takes the addresses.
std::string takeover(const Config& config, const vrrp::Options& router) {
  const Failover wait = failover(router);
  const std::string dead = concat("after ", rounded(wait.silence), " at most when its machine or link is dead");
  if (config.peer) {
    return concat("comes here at once when the other node stops or its process crashes, after ",
                  rounded(hang_noticed(config, Duration{0}, wait.silence)), " when it hangs, ", dead);
  }
  return concat("comes here after ", rounded(wait.farewell),
                " when the other node stops, which serves until then, or its process crashes; after ",
                rounded(hang_noticed(config, wait.farewell, wait.silence)), " when it hangs; ", dead,
                "; with [peer] the first would be at once");
}

std::string summary(const Config& config, std::string_view file) {
  std::string out =
      concat(file, ": ok: ", counted(config.clusters.size(), "cluster"), ", ", counted(config.pools.size(), "pool"),
             ", ", counted(config.listeners.size(), "listener"),
             config.vrrp.empty() ? std::string() : concat(", ", counted(config.vrrp.size(), "virtual router")), "\n");
  for (const Cluster& cluster : config.clusters) {
    out +=
        concat("  cluster ", cluster.options.name, ": ", counted(cluster.options.backends.size(), "backend"), ", ",
               cluster.probe ? concat("probe ", type_of(*cluster.probe), ": ") : std::string(), noticed(cluster), "\n");
  }
  for (const lb::ListenerOptions& listener : config.listeners) {
    std::vector<std::string> binds;
    for (const Endpoint& endpoint : listener.bind) {
      binds.push_back(to_string(endpoint));
    }
    const lb::PoolOptions* pool = find_pool(config, listener.pool);
    out += concat("  listener ", listener.name, ": ", join(binds), " to pool ", listener.pool,
                  "; with no backend: ", pool == nullptr ? std::string() : when_empty(config, *pool), "\n");
  }
  for (const vrrp::Options& router : config.vrrp) {
    out += concat("  vrrp ", router.name, ": ", place(router), "\n    ", takeover(config, router), "\n");
  }
  return out;
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

boost::json::object json_of(const Cluster& cluster) {
  boost::json::object out;
  out["name"] = cluster.options.name;
  out["backends"] = cluster.options.backends.size();
  out["probe"] = nullptr;
  out["detection"] = nullptr;
  if (cluster.probe) {
    const Detection worst = detection(*cluster.probe);
    out["probe"] = type_of(*cluster.probe);
    boost::json::object times;
    times["refused_seconds"] = seconds(worst.refused);
    times["silent_seconds"] = seconds(worst.silent);
    times["new_primary_seconds"] =
        worst.new_primary ? boost::json::value(seconds(*worst.new_primary)) : boost::json::value(nullptr);
    out["detection"] = std::move(times);
  }
  return out;
}

boost::json::object json_of(const Config& config, const lb::ListenerOptions& listener) {
  boost::json::object out;
  out["name"] = listener.name;
  boost::json::array binds;
  for (const Endpoint& endpoint : listener.bind) {
    binds.emplace_back(to_string(endpoint));
  }
  out["bind"] = std::move(binds);
  out["pool"] = listener.pool;
  const lb::PoolOptions* pool = find_pool(config, listener.pool);
  out["when_empty"] = pool == nullptr ? std::string() : when_empty(config, *pool);
  return out;
}

/// `farewell` is how long the node waits once it knows that the other one is gone.
boost::json::object takeover_times(const Config& config, Duration farewell, Duration silence) {
  boost::json::object out;
  out["stop_seconds"] = seconds(farewell);
  out["crash_seconds"] = seconds(farewell);
  out["hang_seconds"] = seconds(hang_noticed(config, farewell, silence));
  out["dead_seconds"] = seconds(silence);
  return out;
}

boost::json::object json_of(const Config& config, const vrrp::Options& router) {
  boost::json::object out;
  out["name"] = router.name;
  out["interface"] = router.interface;
  out["id"] = static_cast<unsigned>(router.id);
  out["version"] = static_cast<unsigned>(router.version);
  out["priority"] = static_cast<unsigned>(router.priority);
  out["preempt"] = router.preempt == vrrp::Preempt::yes;
  out["interval_seconds"] = seconds(router.interval);
  boost::json::array addresses;
  for (const vrrp::VirtualAddress& address : router.addresses) {
    addresses.emplace_back(to_string(address));
  }
  out["addresses"] = std::move(addresses);
  boost::json::array peers;
  for (const IpAddress& peer : router.peers) {
    peers.emplace_back(to_string(peer));
  }
  out["peers"] = std::move(peers);
  out["sync_group"] = router.sync_group;
  const Failover wait = failover(router);
  boost::json::object times;
  times["with_peer"] = takeover_times(config, Duration{0}, wait.silence);
  times["without_peer"] = takeover_times(config, wait.farewell, wait.silence);
  out["takeover"] = std::move(times);
  return out;
}

boost::json::object json_of(const Problem& problem, std::string_view file) {
  boost::json::object out;
  out["file"] = file;
  out["line"] = problem.line;
  out["column"] = problem.column;
  out["severity"] = problem.severity == Problem::Severity::error ? "error" : "warning";
  out["text"] = problem.text;
  return out;
}

}  // namespace

std::string when_empty(const Config& config, const lb::PoolOptions& pool) {
  const lb::PoolOptions* fallback = pool.fallback.empty() ? nullptr : find_pool(config, pool.fallback);
  if (fallback != nullptr) {
    return concat("pool ", fallback->name, " takes over; with no backend there: ", when_empty(config, *fallback));
  }
  std::string text;
  if (pool.when_none_healthy == lb::WhenNoneHealthy::try_all) {
    text += "all are tried, healthy or not, then ";
  }
  if (pool.hold > Duration{0}) {
    text += concat("new clients wait up to ", to_string(pool.hold), ", then ");
  }
  return text + "refused";
}

std::string check_text(const Reading& reading, std::string_view file, Colour colour) {
  std::string out;
  for (const Problem& problem : reading.problems) {
    out += concat(colour == Colour::yes ? coloured(problem, file) : to_string(problem, file), "\n");
  }
  if (reading.config) {
    return out + summary(*reading.config, file);
  }
  const std::size_t warnings = count(reading, Problem::Severity::warning);
  return concat(out, counted(count(reading, Problem::Severity::error), "error"),
                warnings == 0 ? std::string() : concat(", ", counted(warnings, "warning")), "\n");
}

std::string check_json(const Reading& reading, std::string_view file) {
  boost::json::object out;
  out["file"] = file;
  out["ok"] = reading.config.has_value();
  out["errors"] = count(reading, Problem::Severity::error);
  out["warnings"] = count(reading, Problem::Severity::warning);
  boost::json::array problems;
  for (const Problem& problem : reading.problems) {
    problems.emplace_back(json_of(problem, file));
  }
  out["problems"] = std::move(problems);
  boost::json::array clusters;
  boost::json::array listeners;
  boost::json::array routers;
  if (reading.config) {
    for (const Cluster& cluster : reading.config->clusters) {
      clusters.emplace_back(json_of(cluster));
    }
    for (const lb::ListenerOptions& listener : reading.config->listeners) {
      listeners.emplace_back(json_of(*reading.config, listener));
    }
    for (const vrrp::Options& router : reading.config->vrrp) {
      routers.emplace_back(json_of(*reading.config, router));
    }
  }
  out["clusters"] = std::move(clusters);
  out["listeners"] = std::move(listeners);
  out["vrrp"] = std::move(routers);
  out["peer"] = reading.config && reading.config->peer;
  return indented(out);
}

}  // namespace tandem::config
