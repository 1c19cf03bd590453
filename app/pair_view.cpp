#include "app/pair_view.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/text.hpp"

namespace tandem::app {

namespace {

using metrics::Metric;
using vrrp::Cause;
using vrrp::EventKind;
using vrrp::Inability;
using vrrp::State;

int number(vrrp::Priority priority) { return static_cast<int>(priority); }

std::string to_text(const vrrp::VirtualAddress& address) {
  return concat(to_string(address.address), "/", static_cast<unsigned>(address.prefix_length));
}

std::string addresses_of(const vrrp::Options& instance, std::string_view separator) {
  std::vector<std::string> out;
  for (const vrrp::VirtualAddress& address : instance.addresses) {
    out.push_back(to_text(address));
  }
  return join(out, separator);
}

/// What people must mend.
std::string describe(const vrrp::Options& instance, Inability inability, std::uint32_t detail) {
  switch (inability) {
    case Inability::worker_stuck: return concat("worker/", detail, " does not turn");
    case Inability::control_stuck: return "the control thread does not turn";
    case Inability::listeners_unbound: return "no listener is bound";
    case Inability::starting: return "first verdicts are still to come";
    case Inability::link_down: return concat("link ", instance.interface, " is down");
    case Inability::interface_missing: return concat("interface ", instance.interface, " does not exist");
    case Inability::no_source: return concat("interface ", instance.interface, " has no address to send from");
    case Inability::tracked_link_down:
      return detail < instance.track_interfaces.size()
                 ? concat("tracked link ", instance.track_interfaces[detail].interface, " is down")
                 : "a tracked link is down";
    case Inability::witness_silent: return "no witness answers: this node seems to be cut off";
    case Inability::addresses_failed: return "the kernel refuses an address";
    case Inability::group_member: return concat("another router of group ", instance.sync_group, " cannot serve");
    case Inability::shutting_down: return "the node is stopping";
    case Inability::none: break;
  }
  return std::string(name(inability));
}

/// Part of an orderly life.
bool is_expected(Inability inability) {
  return inability == Inability::starting || inability == Inability::shutting_down;
}

/// As keepalived's scripts know it.
std::string_view keepalived_word(State state) {
  switch (state) {
    case State::active: return "MASTER";
    case State::backup: return "BACKUP";
    case State::initialize: break;
  }
  return "FAULT";
}

std::string_view cause_text(const vrrp::Event& event) {
  return event.cause == Cause::inability ? name(event.inability) : name(event.cause);
}

EventText describe_transition(const vrrp::Options& instance, const vrrp::Event& event) {
  const bool on_purpose =
      event.cause == Cause::handover || event.cause == Cause::shutdown || event.cause == Cause::taken;
  const bool lost = event.from == State::active && !on_purpose;
  EventText text{lost ? LogLevel::warning : LogLevel::info, "vrrp_transition", {}};
  text.fields = {
      {"instance", instance.name},  {"from", name(event.from)},           {"to", name(event.to)},
      {"cause", cause_text(event)}, {"priority", number(event.priority)}, {"addresses", addresses_of(instance, " ")}};
  if (event.cause == Cause::inability) {
    text.fields.emplace_back("reason", describe(instance, event.inability, event.detail));
  }
  if (event.lasted > Duration{0}) {
    text.fields.emplace_back("lasted", rounded(event.lasted));
  }
  return text;
}

EventText describe_rest(const vrrp::Options& instance, const vrrp::Event& event) {
  const LogField name_field{"instance", instance.name};
  switch (event.kind) {
    case EventKind::contested:
      return {event.contest == vrrp::Contest::won ? LogLevel::error : LogLevel::info,
              "vrrp_contested",
              {name_field,
               {"other", to_string(event.other)},
               {"won", event.contest == vrrp::Contest::won},
               {"reason", "another router is active too: the nodes do not hear each other, or did not"}}};
    case EventKind::contest_over:
      return {LogLevel::info, "vrrp_contest_over", {name_field, {"lasted", rounded(event.lasted)}}};
    case EventKind::priority_changed:
      return {LogLevel::info,
              "vrrp_priority",
              {name_field, {"priority", number(event.priority)}, {"configured", number(instance.priority)}}};
    case EventKind::kept:
      return {LogLevel::warning,
              "vrrp_kept",
              {name_field, {"reason", "nobody took the addresses within a second: they stay here"}}};
    case EventKind::handing_on: return {LogLevel::info, "vrrp_handing_on", {name_field}};
    case EventKind::unable:
      return {is_expected(event.inability) ? LogLevel::info : LogLevel::warning,
              "vrrp_unable",
              {name_field, {"reason", describe(instance, event.inability, event.detail)}}};
    case EventKind::able: return {LogLevel::info, "vrrp_able", {name_field}};
    case EventKind::late:
      return {LogLevel::warning,
              "vrrp_late",
              {name_field,
               {"stood_still", rounded(event.lasted)},
               {"reason", "this machine did not run the thread; somebody else may have taken over"}}};
    case EventKind::repaired:
      return {LogLevel::warning,
              "vrrp_repaired",
              {name_field, {"reason", "somebody else had changed the addresses on the interface"}}};
    case EventKind::address_error:
      return {LogLevel::error,
              "vrrp_address_error",
              {name_field, {"interface", instance.interface}, {"reason", vrrp::text(event)}}};
    case EventKind::heard_nobody:
      return {LogLevel::warning,
              "vrrp_heard_nobody",
              {name_field,
               {"reason",
                "no advert of anybody since the start: is there a peer, and does its multicast or protocol "
                "112 come through?"}}};
    case EventKind::transition: break;
  }
  return describe_transition(instance, event);
}

}  // namespace

EventText describe(const vrrp::Options& instance, const vrrp::Event& event) {
  return event.kind == EventKind::transition ? describe_transition(instance, event) : describe_rest(instance, event);
}

Notification make_notification(const vrrp::Options& instance, const vrrp::Event& event, const std::string& node) {
  Notification out;
  out.program = instance.notify;
  out.arguments = {"INSTANCE", instance.name, std::string(keepalived_word(event.to)),
                   std::to_string(number(event.priority))};
  const WallTime now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  out.environment = {{"TANDEM_INSTANCE", instance.name},
                     {"TANDEM_STATE", std::string(name(event.to))},
                     {"TANDEM_OLD_STATE", std::string(name(event.from))},
                     {"TANDEM_CAUSE", std::string(cause_text(event))},
                     {"TANDEM_PRIORITY", std::to_string(number(event.priority))},
                     {"TANDEM_INTERFACE", instance.interface},
                     {"TANDEM_ADDRESSES", addresses_of(instance, " ")},
                     {"TANDEM_NODE", node},
                     {"TANDEM_AT", to_string(now)}};
  return out;
}

admin::VrrpView view_router(const vrrp::Options& instance, const vrrp::InstanceStatus& status, Instant now,
                            WallTime now_wall) {
  admin::VrrpView view;
  view.name = instance.name;
  view.interface = instance.interface;
  view.id = static_cast<std::uint8_t>(instance.id);
  view.version = static_cast<std::uint8_t>(instance.version);
  view.state = name(status.state);
  view.leaving = status.leaving;
  view.priority = static_cast<std::uint8_t>(status.priority);
  view.priority_configured = static_cast<std::uint8_t>(instance.priority);
  for (const vrrp::VirtualAddress& address : instance.addresses) {
    view.addresses.push_back(to_text(address));
  }
  view.holds_addresses = status.holds_addresses;
  view.sync_group = instance.sync_group;
  if (status.since != Instant{}) {  // it has had a state
    view.since = now_wall - (now - status.since);
  }
  for (const Inability inability : status.inabilities) {
    view.reasons.push_back(describe(instance, inability, 0));
  }
  if (status.priority != instance.priority && instance.priority != vrrp::kOwner) {
    view.reasons.push_back(concat("priority ", number(status.priority), " instead of ", number(instance.priority),
                                  ": something that it tracks is lost"));
  }
  view.source = status.source ? to_string(*status.source) : "";
  view.active_router = status.active_router ? to_string(*status.active_router) : "";
  if (status.active_priority) {
    view.active_priority = static_cast<std::uint8_t>(*status.active_priority);
  }
  if (status.last_heard) {
    view.heard = now - *status.last_heard;
  }
  view.heard_nobody = status.heard_nobody;
  view.contested = status.contested;
  return view;
}

admin::PeerView view_link(const peer::Options& options, const peer::LinkStatus& status) {
  admin::PeerView view;
  view.address = to_string(options.address);
  view.up = status.up;
  view.node = status.peer_node;
  view.version = status.peer_version;
  view.since = status.since;
  view.round_trip = status.round_trip;
  view.reason = status.reason;
  return view;
}

void collect_router(metrics::Collection& out, const std::string& name, const vrrp::InstanceStatus& status) {
  static constexpr std::array<std::string_view, 3> states{"initialize", "backup", "active"};
  out.add_state(Metric::vrrp_state, {name}, states, vrrp::name(status.state));
  for (std::size_t state = 0; state < states.size(); ++state) {
    out.add(Metric::vrrp_transitions_total, {name, states[state]}, static_cast<double>(status.transitions[state]));
  }
  out.add(Metric::vrrp_adverts_sent_total, {name}, static_cast<double>(status.adverts_sent));
  out.add(Metric::vrrp_adverts_received_total, {name}, static_cast<double>(status.adverts_received));
  for (std::size_t reason = 0; reason < status.rejected.size(); ++reason) {
    out.add(Metric::vrrp_adverts_invalid_total, {name, vrrp::name(static_cast<vrrp::Rejection>(reason))},
            static_cast<double>(status.rejected[reason]));
  }
  out.add(Metric::vrrp_priority, {name}, number(status.priority));
  out.add(Metric::vrrp_contested, {name}, status.contested ? 1 : 0);
  out.add(Metric::vrrp_contests_total, {name}, static_cast<double>(status.contests));
  out.add(Metric::vrrp_addresses_held, {name}, status.holds_addresses ? 1 : 0);
}

void collect_node(metrics::Collection& out, const vrrp::Node& node, std::uint64_t events_lost) {
  out.add(Metric::vrrp_loop_duration_seconds, {}, node.turn_duration().value());
  out.add(Metric::vrrp_loop_longest_seconds, {}, std::chrono::duration<double>(node.longest_turn()).count());
  out.add(Metric::mailbox_overflows_total, {"vrrp"}, static_cast<double>(node.mailbox_overflows() + events_lost));
}

void collect_link(metrics::Collection& out, const peer::LinkStatus& status) {
  out.add(Metric::peer_up, {}, status.up ? 1 : 0);
  if (status.round_trip) {
    out.add(Metric::peer_round_trip_seconds, {}, std::chrono::duration<double>(*status.round_trip).count());
  }
  out.add(Metric::peer_losses_total, {}, static_cast<double>(status.losses));
  out.add(Metric::mailbox_overflows_total, {"peer"}, static_cast<double>(status.overflows));
}

}  // namespace tandem::app
