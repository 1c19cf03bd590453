#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "metrics/histogram.hpp"
#include "vrrp/event.hpp"
#include "vrrp/options.hpp"
#include "vrrp/platform.hpp"
#include "vrrp/rejection.hpp"
#include "vrrp/state_machine.hpp"
#include "vrrp/will.hpp"

namespace tandem::vrrp {

/// Whether the rest of the process can serve. `none`: it can.
struct ServiceState {
  Inability inability = Inability::none;  // worker_stuck, control_stuck, listeners_unbound
  std::uint32_t detail = 0;
};

/// Which virtual router, for those who share its link.
struct RouterKey {
  IpAddress::Family family = IpAddress::Family::v4;
  VirtualRouterId id{1};

  friend bool operator==(const RouterKey&, const RouterKey&) = default;
};

/// What the node needs of its process. All are called on the vrrp thread; none may block or allocate.
struct NodeHooks {
  std::function<ServiceState(Instant now)> service;  // asked every turn, at least every 50 ms
  std::function<void(const Event&)> on_event;
  std::function<void(const RouterKey&)> on_leaving;  // says over the peer link: take it
  std::function<void(const RouterKey&)> on_active;   // says over the peer link: I have it
  std::function<void(const Will&)> deposit;          // what to do for us when we die; called when it changes
  std::function<void(Instant now)> beat;             // every turn, at least every 50 ms
};

/// What an instance looks like from outside, at one moment.
struct InstanceStatus {
  State state = State::initialize;
  bool leaving = false;  // said goodbye and still holds the addresses
  bool holds_addresses = false;
  Priority priority{100};  // in force
  Instant since{};         // of `state`
  std::vector<Inability> inabilities;
  std::optional<IpAddress> source;         // where its adverts come from
  std::optional<IpAddress> active_router;  // who is active, when it is not us; as last heard
  std::optional<Priority> active_priority;
  std::optional<Instant> last_heard;  // an advert of anybody
  bool heard_nobody = false;          // since the start, and should have
  bool contested = false;             // another one is active too
  std::uint64_t adverts_sent = 0;
  std::uint64_t adverts_received = 0;
  std::uint64_t send_failures = 0;
  std::array<std::uint64_t, kRejectionCount> rejected{};
  std::array<std::uint64_t, kRemarkCount> remarked{};
  std::array<std::uint64_t, 3> transitions{};  // to each State
  std::uint64_t contests = 0;
};

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
