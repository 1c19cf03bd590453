#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "admin/event_log.hpp"
#include "app/farewells.hpp"
#include "app/health_thread.hpp"
#include "app/inbox.hpp"
#include "app/listener_table.hpp"
#include "app/overrides.hpp"
#include "base/log.hpp"
#include "config/config.hpp"
#include "lb/forward_plane.hpp"
#include "lb/pools.hpp"

namespace tandem::app {

/// What the controller remembers of a backend beside its standing in the pools.
struct BackendRecord {
  bool reported = false;          // a first verdict is in
  std::string state = "unknown";  // "up primary", "down", …
  Instant since{};                // of `state`
  WallTime since_wall{};
  Instant last_report{};  // of its probe
  Duration probe_duration{0};
};

/// Brings verdicts, operators' words and configurations to the pools, and what the pools decide to the plane, the
/// probes, the log and the events. Lives on the control thread; only the inboxes may be used from others.
class Controller {
 public:
  Controller(boost::asio::io_context& context, lb::ForwardPlane& plane, std::size_t workers, std::uint64_t seed,
             Log log);
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  /// Takes a valid configuration, the first or the next, by difference. Either all of it is in force afterwards or
  /// nothing has changed and the error says why.
  Result<> apply(const config::Config& next);

  /// Real traffic could not reach a backend. Any thread.
  void report_connect_failure(const lb::ConnectFailed& failure) { failures_.send(failure); }

  /// No new sessions for `duration`, or until ready(). Errors: no such backend.
  Result<> drain(const std::string& cluster, const std::string& backend, Drain drain, std::optional<Duration> duration);
  /// Takes drain() back. Errors: no such backend, or it is not drained.
  Result<> ready(const std::string& cluster, const std::string& backend, const std::string& who);
  /// Settles a conflict of primaries. Errors: no such backend, or it does not say primary.
  Result<> promote(const std::string& cluster, const std::string& backend, const std::string& who);

  /// What the other node says of a backend.
  struct Hint {
    BackendId backend{};
    lb::Standing standing;
    std::optional<Instant> promoted_at;  // when it saw it become primary
  };
  /// Standings count for backends that no probe has answered for yet; the first answer of one wins. All in one step, so
  /// that nobody is the writer because he was named first.
  void on_hints(const std::vector<Hint>& hints);

  /// Listens no more; sessions go on.
  void stop_listening();
  /// Ends the sessions of the listeners on `addresses`, which this host is losing.
  void sever_addresses(const std::vector<IpAddress>& addresses);

  /// To be called after every step that may have changed the pools.
  void call_on_change(std::function<void()> on_change) { on_change_ = std::move(on_change); }

  /// Writes an event to the log and keeps it for those who ask later.
  void record_event(LogLevel level, std::string_view event, std::vector<LogField> fields);

  // For those who show the state; control thread.
  [[nodiscard]] const config::Config& running() const { return config_; }
  [[nodiscard]] const lb::Pools& pools() const { return pools_; }
  [[nodiscard]] const ListenerTable& listeners() const { return listeners_; }
  [[nodiscard]] admin::EventLog& events() { return events_; }
  [[nodiscard]] const Overrides& overrides() const { return overrides_; }
  [[nodiscard]] const BackendRecord* find_record(BackendId backend) const;
  [[nodiscard]] std::uint64_t sessions(BackendId backend) const { return plane_.sessions(backend); }
  [[nodiscard]] const healthcheck::ProbeStats* probe_stats(ClusterId cluster) const;
  [[nodiscard]] std::uint64_t inbox_overflows() const { return reports_.overflows() + failures_.overflows(); }
  /// Backends whose first verdict is still to come, as "cluster/backend".
  [[nodiscard]] std::vector<std::string> unknown_backends() const;

 private:
  void on_reports(const std::vector<healthcheck::Report>& reports);
  void on_connect_failures(const std::vector<lb::ConnectFailed>& failures);
  void on_timer();

  void configure(const std::vector<config::Cluster>& clusters, const std::vector<lb::PoolOptions>& pools, Instant now);
  void set_targets(const std::vector<config::Cluster>& clusters);
  void say_farewell(const std::vector<lb::BackendStatus>& backends_before,
                    const std::vector<lb::PoolStatus>& pools_before, const std::vector<ListenerId>& closed,
                    Duration drain_timeout, Instant now);
  void restore_overrides(Instant now);
  void log_verdict(const healthcheck::Report& report, const std::string& before, Duration lasted,
                   std::uint64_t severed);

  /// Takes up what a step of the pools said; carry_out() acts on all that was taken up since the last time.
  void take_up(lb::Change change);
  void carry_out();
  void look_after_urgent();
  void arm_timer();
  Result<BackendId> find_backend(const std::string& cluster, const std::string& backend) const;

  boost::asio::io_context& context_;
  lb::ForwardPlane& plane_;
  Log log_;
  lb::Pools pools_;
  ListenerTable listeners_;
  Overrides overrides_;
  Farewells farewells_;
  admin::EventLog events_;

  config::Config config_;
  std::map<std::string, std::shared_ptr<const healthcheck::ProbeOptions>> probes_;  // by cluster
  std::unordered_map<BackendId, BackendRecord> records_;
  std::map<ClusterId, bool> urgent_;
  std::map<ClusterId, std::shared_ptr<const healthcheck::ProbeStats>> probe_stats_;
  lb::Change pending_;
  std::function<void()> on_change_;
  boost::asio::steady_timer timer_;

  Inbox<healthcheck::Report> reports_;
  Inbox<lb::ConnectFailed> failures_;
  HealthThread health_;  // last: its thread uses the inboxes
};

}  // namespace tandem::app
