#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "admin/options.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "healthcheck/options.hpp"
#include "lb/options.hpp"
#include "peer/options.hpp"
#include "vrrp/options.hpp"

namespace tandem::config {

using namespace std::chrono_literals;

/// `[node]`
struct NodeOptions {
  std::string name;           // default: the host's name
  std::uint32_t workers = 0;  // 0: one per core
  std::string user;           // to drop to once the sockets are open; empty: stay
  Duration drain_timeout = 5min;
  Duration shutdown_timeout = 30s;
  Duration hang_timeout = 500ms;  // a serving process that is silent for longer is ended and started anew

  friend bool operator==(const NodeOptions&, const NodeOptions&) = default;
};

enum class LogFormat { text, json };

/// `[log]`; the command line's --log-format and --log-level win.
struct LogOptions {
  LogFormat format = LogFormat::text;
  LogLevel level = LogLevel::info;
  std::uint32_t session_sample = 1;  // log one session in this many; 0: none

  friend bool operator==(const LogOptions&, const LogOptions&) = default;
};

/// `[cluster.NAME]` and its probe
struct Cluster {
  lb::ClusterOptions options;
  std::optional<healthcheck::ProbeOptions> probe;

  friend bool operator==(const Cluster&, const Cluster&) = default;
};

/// Where the secrets of one `[[vrrp]]` lie. A file may be checked where they are not, so reading leaves them alone:
/// load_secrets() puts what they hold into the instance's options.
struct VrrpSecretFiles {
  std::string password_file;           // empty: none
  std::vector<std::string> key_files;  // in the order of authentication->keys

  friend bool operator==(const VrrpSecretFiles&, const VrrpSecretFiles&) = default;
};

/// A whole, valid file: names are unique, references resolve, values are in range.
struct Config {
  NodeOptions node;
  LogOptions log;
  admin::AdminOptions admin;
  std::vector<Cluster> clusters;  // in the file's order, as are the following
  std::vector<lb::PoolOptions> pools;
  std::vector<lb::ListenerOptions> listeners;
  std::vector<vrrp::Options> vrrp;
  std::vector<VrrpSecretFiles> vrrp_secrets;  // in the order of `vrrp`
  std::optional<peer::Options> peer;

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace tandem::config
