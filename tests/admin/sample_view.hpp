#pragma once

#include "admin/view.hpp"

namespace tandem::admin {

/// 2026-01-31T12:00:00Z
inline constexpr WallTime kNow{std::chrono::seconds(1769860800)};

/// A node with a write pool whose primary is known, a read pool on its fallback, and a drained and a dead backend.
inline View sample_view() {
  using namespace std::chrono_literals;
  View view;
  view.at = kNow;
  view.node = NodeView{"lb-a", "0.1.0", "abc1234", 3h + 12min + 5s + 400ms, true, {}, 2};
  view.config.file = "/etc/tandem/tandem.toml";
  view.config.last_reload_at = kNow - 90s;
  view.config.last_success_at = kNow - 90s;

  ListenerView listener;
  listener.name = "orders-write";
  listener.binds = {"192.0.2.100:5000"};
  listener.pool = "orders-write";
  listener.active = 12;
  listener.total = 34567;
  listener.bytes_received = 1'500'000;
  view.listeners.push_back(listener);

  PoolView writes;
  writes.name = "orders-write";
  writes.cluster = "orders";
  writes.role = "primary";
  writes.balance = "least_connections";
  writes.generation = 3;
  writes.eligible = {"pg-0"};
  writes.primary = "pg-0";
  PoolView reads;
  reads.name = "orders-read";
  reads.cluster = "orders";
  reads.role = "replica";
  reads.balance = "round_robin";
  reads.fallback = "orders-write";
  reads.fallback_active = true;
  view.pools = {writes, reads};

  BackendView primary;
  primary.name = "pg-0";
  primary.address = "10.0.1.10:5432";
  primary.known = true;
  primary.up = true;
  primary.role = Role::primary;
  primary.epoch = 4;
  primary.reason = "role primary, timeline 4";
  primary.since = kNow - 10min;
  primary.probe_duration = 12ms + 400us;
  primary.sessions = 12;
  BackendView drained = primary;
  drained.name = "pg-1";
  drained.address = "10.0.1.11:5432";
  drained.role = Role::replica;
  drained.lag_bytes = 12'000'000;
  drained.sessions = 0;
  drained.reason = "role replica, timeline 4, lag 12 MB";
  drained.override_state = OverrideView{"drain", "alice", kNow - 60s, kNow + 540s, "kernel upgrade"};
  BackendView dead;
  dead.name = "pg-2";
  dead.address = "10.0.1.12:5432";
  dead.known = true;
  dead.reason = "connect refused";
  dead.since = kNow - 5s;
  ClusterView cluster;
  cluster.name = "orders";
  cluster.probe = "patroni";
  cluster.primary = "pg-0";
  cluster.primary_changes = 2;
  cluster.backends = {primary, drained, dead};
  view.clusters.push_back(cluster);
  return view;
}

/// Half of a pair: one address is here, another one at the peer.
inline View sample_pair() {
  using namespace std::chrono_literals;
  View view = sample_view();
  VrrpView front;
  front.name = "front";
  front.interface = "eth0";
  front.id = 51;
  front.state = "active";
  front.priority = 150;
  front.priority_configured = 150;
  front.addresses = {"192.0.2.100/24", "192.0.2.101/24"};
  front.holds_addresses = true;
  front.since = kNow - 10min;
  front.source = "192.0.2.2";
  VrrpView back = front;
  back.name = "back";
  back.id = 52;
  back.state = "backup";
  back.priority = 50;
  back.priority_configured = 100;
  back.addresses = {"10.0.0.100/24"};
  back.holds_addresses = false;
  back.sync_group = "inside";
  back.active_router = "10.0.0.3";
  back.active_priority = 150;
  back.heard = 30ms;
  back.reasons = {"cluster orders is down"};
  view.vrrp = {front, back};
  PeerView peer;
  peer.address = "192.0.2.3:8405";
  peer.up = true;
  peer.node = "lb-b";
  peer.version = "0.1.0";
  peer.since = 10min + 300ms;
  peer.round_trip = 210us;
  view.peer = peer;
  return view;
}

}  // namespace tandem::admin
