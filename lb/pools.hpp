#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/role.hpp"
#include "base/time.hpp"
#include "lb/options.hpp"
#include "lb/snapshot.hpp"

namespace tandem::lb {

/// What the probes say of a backend, as far as pools care.
struct Standing {
  bool known = false;  // false: never probed; takes no traffic
  bool up = false;     // reachable, after rise and fall
  Role role = Role::none;
  std::optional<std::uint64_t> epoch;
  std::optional<std::uint64_t> lag_bytes;
  std::optional<Duration> lag_time;
  bool takes_reads = true;  // false: asked to be left out of read pools (Patroni's noloadbalance)
  std::string reason;

  friend bool operator==(const Standing&, const Standing&) = default;
};

enum class AdminState { ready, drain };

/// Why a cluster has no writer or which of two it is; for status and metrics.
struct ClusterStatus {
  ClusterId id{};
  std::string name;
  std::optional<BackendId> primary;  // who holds the write pools
  std::vector<BackendId> conflict;   // all that say primary, when more than one does
  std::string conflict_reason;       // how it was settled, or that it was not
  std::uint64_t primary_changes = 0;
  std::optional<BackendId> last_promoted;  // says primary, and was seen to become it
  /// No primary, or in doubt: every member should be probed at fast_interval.
  bool urgent = false;
};

struct BackendStatus {
  BackendId id{};
  ClusterId cluster{};
  BackendOptions options;
  Standing standing;
  AdminState admin_state = AdminState::ready;
  std::shared_ptr<Backend> backend;
};

struct PoolStatus {
  PoolId id{};
  std::shared_ptr<const PoolView> view;
  ClusterId cluster{};
  bool fallback_active = false;
};

/// What workers and people must hear after a step. Empty when nothing changed.
struct Change {
  std::shared_ptr<const Snapshot> snapshot;  // null: nothing for the workers
  std::vector<Sever> severs;                 // to carry out with `snapshot`; its on_applied() comes after them
  std::vector<LogEvent> events;              // what happened, for the log and the event list

  [[nodiscard]] bool empty() const { return !snapshot && severs.empty() && events.empty(); }
};

/// The rules by which verdicts become pools (write pools of at most one, conflicts, fallbacks, lag): the only place
/// that has them, for every kind of probe. Pure: reads no clock, starts nothing; each step returns a Change. A change
/// of primary takes two steps, so that no worker serves the new one while another still serves the old: first the pool
/// empties and the old one's sessions are severed; when on_applied() confirms that every worker has done so, or after
/// 1 s without that, the new one is admitted. Control thread.
class Pools {
 public:
  explicit Pools(std::size_t workers);
  ~Pools();
  Pools(const Pools&) = delete;
  Pools& operator=(const Pools&) = delete;

  /// Takes new options by difference: what has the same name and, for backends, the same address keeps its id, its
  /// standing, its counters. The options are valid (names unique, references resolve, no fallback cycle).
  Change configure(std::span<const ClusterOptions> clusters, std::span<const PoolOptions> pools, Instant now);

  /// Unknown backends (a late report of a removed one) change nothing.
  Change on_standing(BackendId backend, const Standing& standing, Instant now);
  /// Several at once, in one step: what a busy control thread found waiting. Each pool is made anew once.
  Change on_standings(std::span<const std::pair<BackendId, Standing>> standings, Instant now);
  Change on_admin_state(BackendId backend, AdminState state, Instant now);
  /// An operator settles a conflict in favour of this backend until the conflict ends. Error: it does not say primary.
  Result<Change> on_promote(BackendId backend, Instant now);
  /// The other node of the pair saw the backend become primary, at `when`.
  Change on_peer_promotion(BackendId backend, Instant when, Instant now);
  /// Every worker uses snapshot `version` and has carried out the severs that came with it.
  Change on_applied(std::uint64_t version, Instant now);
  Change on_deadline(Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;
  [[nodiscard]] std::vector<ClusterStatus> clusters() const;  // in the file's order
  [[nodiscard]] std::vector<BackendStatus> backends() const;  // in the file's order
  [[nodiscard]] std::vector<PoolStatus> pools() const;        // in the file's order
  /// One backend, or null; good until the next step. Called for every report: fast with 5,000 backends.
  [[nodiscard]] const BackendStatus* find(BackendId backend) const;
  [[nodiscard]] std::vector<BackendStatus> members(ClusterId cluster) const;  // in the file's order
  /// Whether a write pool has this backend as its one candidate.
  [[nodiscard]] bool holds_write_pool(BackendId backend) const;
  [[nodiscard]] std::optional<BackendId> find_backend(std::string_view cluster, std::string_view backend) const;
  [[nodiscard]] std::optional<PoolId> find_pool(std::string_view pool) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tandem::lb
