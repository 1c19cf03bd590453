#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "admin/view.hpp"
#include "app/notify_hook.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "metrics/collection.hpp"
#include "peer/link.hpp"
#include "peer/options.hpp"
#include "vrrp/event.hpp"
#include "vrrp/node.hpp"
#include "vrrp/options.hpp"

namespace tandem::app {

/// A line of the log and of the event list.
struct EventText {
  LogLevel level = LogLevel::info;
  std::string_view event;  // a literal
  std::vector<LogField> fields;
};

// What the pair does, in words and figures for people. Pure.

[[nodiscard]] EventText describe(const vrrp::Options& instance, const vrrp::Event& event);
/// What a notify program gets: keepalived's arguments, and all that is known in its environment.
[[nodiscard]] Notification make_notification(const vrrp::Options& instance, const vrrp::Event& event,
                                             const std::string& node);
[[nodiscard]] admin::VrrpView view_router(const vrrp::Options& instance, const vrrp::InstanceStatus& status,
                                          Instant now, WallTime now_wall);
[[nodiscard]] admin::PeerView view_link(const peer::Options& options, const peer::LinkStatus& status);
void collect_router(metrics::Collection& out, const std::string& name, const vrrp::InstanceStatus& status);
void collect_node(metrics::Collection& out, const vrrp::Node& node, std::uint64_t events_lost);
void collect_link(metrics::Collection& out, const peer::LinkStatus& status);

}  // namespace tandem::app
