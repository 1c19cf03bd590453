#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "metrics/histogram.hpp"
#include "vrrp/event.hpp"
#include "vrrp/instance_status.hpp"
#include "vrrp/node_hooks.hpp"
#include "vrrp/options.hpp"
#include "vrrp/platform.hpp"

namespace tandem::vrrp {

/// All virtual routers of this node and the thread that they live on, with real-time priority and locked memory where
/// that is allowed. Public functions may be called from any thread but its own.
class Node {
 public:
  Node(std::unique_ptr<Platform> platform, NodeHooks hooks);
  /// Gives every address away at once, then ends the thread.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Takes a valid list over, by difference (name): who is the same stays untouched, a new priority is applied in
  /// place, whoever is gone or otherwise changed leaves and starts anew. Either all new ones could be opened or nothing
  /// has changed and the error names the instance, the interface and the cause. Waits for the thread.
  Result<> configure(const std::vector<Options>& options);
  /// How much the cluster penalties take off the priority of `instance`.
  void set_penalty(InstanceIndex instance, std::uint8_t penalty);
  /// Gives the addresses of `instance`, and of its sync group, to the peer.
  void hand_over(InstanceIndex instance);
  /// Gives all addresses to the peer, keeps each until it is taken or a second has gone, and contests nothing more.
  void shut_down();
  /// Nothing is held any more after shut_down(). Any thread.
  [[nodiscard]] bool is_shut_down() const;

  // What the peer link heard.
  void on_peer_leaving(const RouterKey& router);  // take it
  void on_peer_active(const RouterKey& router);   // it has it
  void on_link_lost();                            // without a goodbye

  /// In the order of configure().
  [[nodiscard]] std::vector<InstanceStatus> status() const;
  /// Settings of this host that would make an address mute, with their values, as configure() found them.
  [[nodiscard]] std::vector<std::string> warnings() const;
  /// How long a turn of the thread took, without the wait; its longest is what an advert may have had to wait.
  [[nodiscard]] const metrics::DurationHistogram& turn_duration() const;
  [[nodiscard]] Duration longest_turn() const;
  /// Events and commands that found their mailbox full.
  [[nodiscard]] std::uint64_t mailbox_overflows() const;

  /// Takes CAP_NET_ADMIN and CAP_NET_RAW back on the vrrp thread after the process has become another user; to be
  /// called once after that. Without it a change of address fails.
  Result<> keep_capabilities();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tandem::vrrp
