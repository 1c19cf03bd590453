#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/role.hpp"
#include "base/time.hpp"

namespace tandem::admin {

/// The node itself.
struct NodeView {
  std::string name;
  std::string version;
  std::string revision;
  Duration uptime{0};
  bool ready = false;
  std::vector<std::string> reasons;  // why it is not ready
  std::uint32_t workers = 0;
};

/// The configuration file and what became of it.
struct ConfigView {
  std::string file;
  bool last_reload_successful = true;
  WallTime last_reload_at{};                // of the last attempt; the start counts
  std::optional<WallTime> last_success_at;  // when what runs now was read
  std::string error;                        // of the last attempt, all problems; empty: none
};

struct ListenerView {
  std::string name;
  std::vector<std::string> binds;  // "192.0.2.1:5000"
  std::string pool;
  std::uint64_t active = 0;
  std::uint64_t total = 0;     // admitted
  std::uint64_t rejected = 0;  // all reasons
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint32_t max_connections = 0;  // 0: no limit
  bool draining = false;              // removed from the file; its sessions end
};

struct PoolView {
  std::string name;
  std::string cluster;
  std::string role;     // "any", "primary", "replica"
  std::string balance;  // "least_connections"
  std::uint64_t generation = 0;
  std::vector<std::string> eligible;  // backends that may take new sessions now
  std::uint64_t active = 0;           // sessions and connects under way
  std::uint64_t total = 0;            // sessions that reached a backend
  std::uint64_t held = 0;
  std::uint64_t queued = 0;
  std::string fallback;  // the pool named in the file; empty: none
  bool fallback_active = false;
  bool fail_open = false;
  std::string primary;  // of a write pool: the backend that holds it; empty: none
};

/// An operator's word on a backend.
struct OverrideView {
  std::string state;  // "drain"
  std::string who;
  WallTime at{};
  std::optional<WallTime> until;  // none: until somebody takes it back
  std::string reason;
};

struct BackendView {
  std::string name;
  std::string address;  // "10.0.1.10:5432"
  std::string zone;
  std::uint32_t weight = 100;
  std::uint32_t tier = 0;
  bool known = false;  // false: not probed yet
  bool up = false;
  Role role = Role::none;
  std::optional<std::uint64_t> epoch;
  std::optional<std::uint64_t> lag_bytes;
  std::optional<Duration> lag_time;
  bool takes_reads = true;
  std::string reason;             // the last probe's
  std::optional<WallTime> since;  // of `up` or `role` as they are
  std::optional<Duration> probe_duration;
  std::optional<OverrideView> override_state;  // none: ready
  std::uint64_t sessions = 0;
  std::uint64_t total = 0;             // connections established
  std::uint64_t connect_failures = 0;  // all reasons
  std::uint32_t max_connections = 0;   // 0: no limit
};

struct ClusterView {
  std::string name;
  bool probed = true;
  std::string probe;                  // "patroni"; empty: none
  std::string primary;                // who holds the write pools; empty: nobody
  std::vector<std::string> conflict;  // all that say primary, when more than one does
  std::string conflict_reason;        // how it was settled, or that it was not
  std::uint64_t primary_changes = 0;
  std::vector<BackendView> backends;
};

/// One virtual router.
struct VrrpView {
  std::string name;
  std::string interface;
  std::uint8_t id = 1;
  std::uint8_t version = 3;
  std::string state;  // "initialize", "backup", "active"
  bool leaving = false;
  std::uint8_t priority = 100;             // in force
  std::uint8_t priority_configured = 100;  // without penalties
  std::vector<std::string> addresses;      // "192.0.2.100/24"
  bool holds_addresses = false;
  std::string sync_group;
  std::optional<WallTime> since;     // of `state`
  std::vector<std::string> reasons;  // why it cannot hold the addresses, or is worth less
  std::string source;                // where its adverts come from
  std::string active_router;         // who is active as last heard; empty: nobody, or this node
  std::optional<std::uint8_t> active_priority;
  std::optional<Duration> heard;  // how long ago an advert of anybody came
  bool heard_nobody = false;      // since the start: maybe multicast is filtered
  bool contested = false;         // another one is active too
};

/// The link to the other node.
struct PeerView {
  std::string address;
  bool up = false;
  std::string node;
  std::string version;
  Duration since{0};  // of `up` as it is
  std::optional<Duration> round_trip;
  std::string reason;  // why it is down
};

/// Everything that `tandem status` and the status page show, at one moment; everything in the file's order.
struct View {
  WallTime at{};
  NodeView node;
  ConfigView config;
  std::vector<VrrpView> vrrp;
  std::optional<PeerView> peer;
  std::vector<ListenerView> listeners;
  std::vector<PoolView> pools;
  std::vector<ClusterView> clusters;
};

}  // namespace tandem::admin
