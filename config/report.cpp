#include "config/report.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>

#include "base/text.hpp"
#include "config/detection.hpp"
#include "config/json_text.hpp"
#include "config/names.hpp"
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

std::string summary(const Config& config, std::string_view file) {
  std::string out =
      concat(file, ": ok: ", counted(config.clusters.size(), "cluster"), ", ", counted(config.pools.size(), "pool"),
             ", ", counted(config.listeners.size(), "listener"), "\n");
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
  if (reading.config) {
    for (const Cluster& cluster : reading.config->clusters) {
      clusters.emplace_back(json_of(cluster));
    }
    for (const lb::ListenerOptions& listener : reading.config->listeners) {
      listeners.emplace_back(json_of(*reading.config, listener));
    }
  }
  out["clusters"] = std::move(clusters);
  out["listeners"] = std::move(listeners);
  return indented(out);
}

}  // namespace tandem::config
