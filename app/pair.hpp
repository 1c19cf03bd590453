#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "admin/view.hpp"
#include "app/controller.hpp"
#include "app/event_box.hpp"
#include "app/inbox.hpp"
#include "app/notify_hook.hpp"
#include "app/peer_claims.hpp"
#include "app/shared_view.hpp"
#include "app/watcher/lifeline.hpp"
#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "lb/forward_plane.hpp"
#include "metrics/collection.hpp"
#include "peer/link.hpp"
#include "vrrp/node.hpp"

namespace tandem::app {

/// This node's half of a pair: its virtual routers, the link to the other node, and what both make of the service here.
/// Control thread.
class Pair {
 public:
  Pair(boost::asio::io_context& context, Controller& controller, const lb::ForwardPlane& plane, Lifeline& lifeline,
       std::string node_name, const Log& log);
  /// Gives every address away at once.
  ~Pair();
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  /// Takes the routers and the link of a valid configuration over, by difference: all or nothing, and the error says
  /// why. The controller has it in force already.
  Result<> apply(const config::Config& next);
  /// After the process has become another user.
  Result<> keep_capabilities();

  /// Gives the addresses of one router and its sync group to the peer; the answer says what was done. Errors: there is
  /// no such router, or this node does not have its addresses.
  Result<std::string> hand_over(const std::string& instance, const std::string& who);
  [[nodiscard]] bool knows(const std::string& instance) const;
  /// An operator chose this one of two primaries: the other node hears of it.
  void tell_promoted(const std::string& cluster, const std::string& backend, const std::string& who);
  /// Gives all addresses to the peer, in order; calls `done` when none is left.
  void shut_down(std::function<void()> done);

  /// At once: gives every address away, and ends the threads.
  void close();

  [[nodiscard]] std::vector<admin::VrrpView> routers(WallTime now) const;
  [[nodiscard]] std::optional<admin::PeerView> peer() const;
  void collect(metrics::Collection& out) const;

 private:
  [[nodiscard]] vrrp::NodeHooks node_hooks();
  [[nodiscard]] peer::LinkHooks link_hooks();
  [[nodiscard]] vrrp::ServiceState service(Instant now) const;
  [[nodiscard]] std::shared_ptr<peer::Link> link() const;
  Result<> apply_link(const config::Config& next);

  void on_events(const std::vector<vrrp::Event>& events);
  void on_event(const vrrp::Options& instance, const vrrp::Event& event);
  void end_claim(const vrrp::Options& instance, const vrrp::Event& event);
  void on_link_up();
  void on_link_down();
  void watch_claims(Instant now);
  [[nodiscard]] std::vector<vrrp::InstanceStatus> status() const;
  void record(const vrrp::Options& instance, const vrrp::Event& event);
  void notify(const vrrp::Options& instance, const vrrp::Event& event);
  void on_pools_changed();
  void set_penalties();
  void tick();
  void wait_for_shutdown();

  boost::asio::io_context& context_;
  Controller& controller_;
  const lb::ForwardPlane& plane_;
  Lifeline& lifeline_;
  std::string node_name_;
  Log log_;

  std::vector<vrrp::Options> instances_;  // in force
  std::vector<vrrp::Options> replaced_;   // by those; their last events are still to come
  std::optional<peer::Options> link_options_;
  bool link_up_ = false;
  Instant whole_view_at_{};
  PeerClaims claims_;
  std::map<std::string, std::uint64_t> contests_;  // that only the link told of
  std::set<std::string> contested_;                // by the other node's claims
  NotifyHook notify_;
  SharedView view_;
  boost::asio::steady_timer tick_timer_;
  boost::asio::steady_timer shutdown_timer_;
  std::function<void()> on_shut_down_;
  Instant started_;
  std::atomic<vrrp::Inability> readiness_{vrrp::Inability::starting};  // listeners, first verdicts
  std::atomic<std::int64_t> control_beat_;  // when this thread last turned, on the steady clock

  EventBox<vrrp::Event> events_;
  Inbox<peer::View> views_;
  Guarded<peer::View> whole_view_;  // for a link that comes up
  mutable Guarded<std::shared_ptr<peer::Link>> link_;
  Guarded<vrrp::Node*> reachable_node_{nullptr};  // for the thread of the link
  std::unique_ptr<vrrp::Node> node_;              // last: its thread uses the rest
};

}  // namespace tandem::app
