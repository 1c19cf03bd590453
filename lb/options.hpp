#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace tandem::lb {

using namespace std::chrono_literals;

/// One server of a cluster.
struct BackendOptions {
  std::string name;
  Endpoint address;
  std::string zone;
  std::uint32_t weight = 100;         // 0 to 1000; 0 takes no new sessions
  std::uint32_t tier = 0;             // lower first; the next only when the one before is empty
  std::uint32_t max_connections = 0;  // 0: no limit

  friend bool operator==(const BackendOptions&, const BackendOptions&) = default;
};

/// The backends that belong together.
struct ClusterOptions {
  std::string name;
  std::vector<BackendOptions> backends;
  bool probed = true;  // false: every backend counts as reachable

  friend bool operator==(const ClusterOptions&, const ClusterOptions&) = default;
};

enum class Balance { least_connections, round_robin, power_of_two, maglev, first };

/// Which backends of its cluster a pool takes.
enum class PoolRole { any, primary, replica };

/// What to do about two primaries in sight.
enum class OnConflict {
  newest,  // the higher epoch, else the later promotion, else nobody
  refuse,  // nobody
};

/// When every backend of a role-less pool failed reachability.
enum class WhenNoneHealthy { refuse, try_all };

/// Which backends of a cluster take this traffic, how it is spread, and what happens when none is left.
struct PoolOptions {
  std::string name;
  std::string cluster;
  PoolRole role = PoolRole::any;
  Balance balance = Balance::least_connections;
  std::uint32_t maglev_prefix_v4 = 32;  // how much of the client's address maglev hashes, in bits
  std::uint32_t maglev_prefix_v6 = 128;
  std::optional<std::uint64_t> max_lag_bytes;  // replicas with more take no traffic
  std::optional<Duration> max_lag_time;
  std::string fallback;  // a pool's name; empty: none
  std::optional<Duration>
      return_to_replicas;  // over this long, sessions on the fallback are severed once the pool is back
  Duration hold = 0s;      // write pools: 30s
  std::uint32_t hold_max = 1000;
  OnConflict on_conflict = OnConflict::newest;
  WhenNoneHealthy when_none_healthy = WhenNoneHealthy::refuse;
  bool sever_on_role_loss = true;     // of sessions whose backend lost the pool's role
  bool sever_on_down = false;         // write pools: true
  std::uint32_t max_connections = 0;  // of the pool; 0: no limit
  std::uint32_t max_connections_per_backend =
      0;                           // a backend's own max_connections counts where it is smaller; 0: no limit
  std::uint32_t queue_max = 1000;  // clients that wait when every backend is at its limit
  Duration queue_timeout = 5s;
  Duration connect_timeout = 5s;  // of one attempt
  std::uint32_t connect_attempts = 3;
  std::uint32_t connecting_max = 100;  // connects under way when held clients are released; 0: no limit

  friend bool operator==(const PoolOptions&, const PoolOptions&) = default;
};

enum class SendProxyProtocol : std::uint8_t { no = 0, v1 = 1, v2 = 2 };

/// An address where clients connect, and the pool it feeds.
struct ListenerOptions {
  std::string name;
  std::vector<Endpoint> bind;
  std::string pool;
  std::vector<Prefix> allow;                // empty: everybody
  std::vector<Prefix> deny;                 // checked first
  std::uint32_t max_connections = 0;        // 0: no limit
  Duration idle_timeout = 30min;            // no data in either direction
  Duration half_close_timeout = 30s;        // silence of the open direction after the other one ended
  Duration header_timeout = 5s;             // for an unfinished PROXY header
  bool accept_proxy_protocol = false;       // true: a connection without a header is refused
  std::vector<Prefix> proxy_protocol_from;  // who may send a header; empty: everybody
  SendProxyProtocol send_proxy_protocol = SendProxyProtocol::no;
  bool tcp_nodelay = true;
  Duration keepalive_idle = 60s;  // TCP keepalive on both sides
  Duration keepalive_interval = 10s;
  std::uint32_t keepalive_count = 3;
  std::uint32_t backlog = 4096;  // of each worker's socket; the kernel caps it at net.core.somaxconn

  friend bool operator==(const ListenerOptions&, const ListenerOptions&) = default;
};

}  // namespace tandem::lb
