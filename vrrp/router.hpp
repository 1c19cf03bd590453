#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "vrrp/authentication.hpp"
#include "vrrp/checksum_choice.hpp"
#include "vrrp/contest_watch.hpp"
#include "vrrp/instance_status.hpp"
#include "vrrp/moment.hpp"
#include "vrrp/node_hooks.hpp"
#include "vrrp/options.hpp"
#include "vrrp/packet.hpp"
#include "vrrp/peer_loss.hpp"
#include "vrrp/platform.hpp"
#include "vrrp/state_machine.hpp"
#include "vrrp/tracking.hpp"
#include "vrrp/will.hpp"

namespace tandem::vrrp {

/// One change of state, for the sync group.
struct Transition {
  State from = State::initialize;
  State to = State::initialize;
  Cause cause = Cause::start;
  bool was_leaving = false;
};

/// One instance on its host: turns datagrams into adverts and the state machine's actions into system calls. Reads no
/// clock. One thread. Allocates only while it opens.
class Router {
 public:
  /// `platform` and `hooks` outlive it.
  Router(const Options& options, InstanceIndex index, Platform& platform, const NodeHooks& hooks);

  /// Opens what it needs where its interface is there and has an address; else that comes later. The error names the
  /// instance, the interface and the cause.
  Result<> open();
  /// To be called when Interfaces::refresh() has told of a change.
  void on_interfaces(Moment moment);
  /// Takes one datagram in; false: none waits.
  bool receive(Moment moment);
  void on_deadline(Moment moment);
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  /// What it is worth now, apart from its sync group.
  [[nodiscard]] Standing standing(const ServiceState& service) const;
  /// Starts, stops or changes its priority accordingly.
  void apply(const Standing& standing, Moment moment);

  void hand_over(Moment moment);
  /// Gives its addresses away at once, for good.
  void stop(Cause cause, Moment moment);
  /// Gives its addresses to the peer, for good: see Node::shut_down().
  void shut_down() { shutting_down_ = true; }
  void on_invited(Cause cause, Moment moment);
  void on_taken(Moment moment);
  void on_link_lost(Moment moment);
  void on_group_active(Moment moment);
  void on_group_yield(Patience patience, Moment moment);
  void postpone(Instant until) { machine_.postpone(until); }
  void set_cluster_penalty(std::uint8_t penalty) { circumstances_.cluster_penalty = penalty; }
  void set_witness(Reach reach);
  /// What differs between the two lists of options does not need a new start.
  void adopt(const Options& options, InstanceIndex index);
  /// Tells when the thread stood still.
  void notice_lateness(Moment moment);

  /// The last change of state since the last call.
  [[nodiscard]] std::optional<Transition> take_transition();
  /// Whether what it bequeaths is another thing than at the last call.
  [[nodiscard]] bool take_will_changed();
  [[nodiscard]] bool bequeath_addresses(Will& will) const;
  [[nodiscard]] bool bequeath_farewell(Will& will, Moment moment);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const StateMachine& machine() const { return machine_; }
  [[nodiscard]] RouterKey key() const;
  [[nodiscard]] const std::vector<std::string>& warnings() const { return port_.warnings; }
  /// -1 while closed.
  [[nodiscard]] int fd() const { return port_.transport ? port_.transport->fd() : -1; }
  [[nodiscard]] InstanceFacts facts() const;
  [[nodiscard]] const Inabilities& inabilities() const { return standing_.inabilities; }

 private:
  template <class Input>
  void step(Cause cause, Moment moment, Input input);
  void carry_out(const Actions& actions, Cause cause, Moment moment);
  void on_transition(const Transition& transition, Moment moment);
  void stay(Moment moment);
  void acquire(Moment moment);
  void release(Moment moment);
  void reconcile(Moment moment);
  void on_contest(const ReportContest& report, Cause cause, Moment moment);
  void on_address_error(const Error& error, Moment moment);

  template <class Use>
  void for_each_copy(Priority priority, WallTime wall, Use use);
  void send(Priority priority, Moment moment);
  std::optional<Rejection> judge(const Datagram& datagram, Moment moment);
  void take(const Advert& advert, Moment moment);
  void learn_checksum(const IpAddress& source, ChecksumForm form);
  [[nodiscard]] std::size_t copies() const { return options_.peers.empty() ? 1 : options_.peers.size(); }
  [[nodiscard]] const IpAddress& destination(std::size_t copy) const;

  void look_at_interfaces();
  void close(Moment moment);
  void set_self(const IpAddress& self);
  void report(const Standing& standing, Moment moment);
  [[nodiscard]] Event event(EventKind kind, Moment moment) const;
  void explain(Event& changed) const;
  void emit(const Event& event) const;
  [[nodiscard]] Cause deadline_cause(Instant now) const;
  [[nodiscard]] bool is_active() const { return machine_.state() == State::active; }

  Options options_;
  InstanceIndex index_;
  Platform& platform_;
  const NodeHooks& hooks_;

  StateMachine machine_;
  Packet packet_;  // what it says, but for the priority
  Expectation expectation_;
  IpAddress group_;
  ChecksumChoice checksum_;
  std::optional<Authentication> authentication_;
  Port port_;
  std::uint32_t opened_on_ = 0;    // index of the interface
  std::optional<IpAddress> self_;  // where its adverts come from; the last one known

  Circumstances circumstances_;
  Standing standing_;
  bool shutting_down_ = false;
  bool witness_known_ = false;
  bool started_ = false;
  std::optional<Instant> retry_at_;  // after the kernel refused

  ContestWatch contest_;
  PeerLoss loss_;
  std::optional<Transition> transition_;
  bool will_changed_ = true;
  bool said_leaving_ = false;
  Cause leaving_cause_ = Cause::handover;

  Instant since_{};
  Instant reconcile_at_{};
  std::optional<Instant> suspicious_at_;  // when having heard nobody becomes odd
  bool heard_nobody_ = false;
  std::optional<IpAddress> active_router_;
  std::optional<Priority> active_priority_;
  std::optional<Instant> last_heard_;
  IpAddress heard_from_;  // the sender of the advert in hand
  InstanceCounters counters_;
};

}  // namespace tandem::vrrp
