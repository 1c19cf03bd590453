#include "app/pair_view.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "base/text.hpp"

namespace tandem::app {

namespace {

using namespace std::chrono_literals;

vrrp::Options front() {
  vrrp::Options options;
  options.name = "front";
  options.interface = "eth0";
  options.id = vrrp::VirtualRouterId{51};
  options.priority = vrrp::Priority{150};
  options.addresses = {{*IpAddress::parse("192.0.2.100"), 24}, {*IpAddress::parse("192.0.2.101"), 32}};
  options.notify = "/usr/local/bin/on-change";
  options.sync_group = "all";
  options.track_interfaces = {{"eth1", 0}};
  return options;
}

vrrp::Event transition(vrrp::State from, vrrp::State to, vrrp::Cause cause) {
  vrrp::Event event;
  event.from = from;
  event.to = to;
  event.cause = cause;
  event.priority = vrrp::Priority{150};
  return event;
}

std::string field(const std::vector<LogField>& fields, std::string_view key) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const LogField& one) { return one.key == key; });
  if (found == fields.end()) {
    return "";
  }
  if (const auto* text = std::get_if<std::string>(&found->value)) {
    return *text;
  }
  return std::to_string(std::get<std::int64_t>(found->value));
}

std::string variable(const Notification& notification, std::string_view name) {
  for (const auto& [key, value] : notification.environment) {
    if (key == name) {
      return value;
    }
  }
  return "";
}

}  // namespace

TEST_SUITE("app/pair_view") {
  TEST_CASE("a transition names both states and the cause and the addresses") {
    const EventText text =
        describe(front(), transition(vrrp::State::backup, vrrp::State::active, vrrp::Cause::silence));

    CHECK(text.level == LogLevel::info);
    CHECK(text.event == "vrrp_transition");
    CHECK(field(text.fields, "instance") == "front");
    CHECK(field(text.fields, "from") == "backup");
    CHECK(field(text.fields, "to") == "active");
    CHECK(field(text.fields, "cause") == "silence");
    CHECK(field(text.fields, "priority") == "150");
    CHECK(field(text.fields, "addresses") == "192.0.2.100/24 192.0.2.101/32");
  }

  TEST_CASE("losing the addresses for a fault is a warning that says which") {
    vrrp::Event event = transition(vrrp::State::active, vrrp::State::initialize, vrrp::Cause::inability);
    event.inability = vrrp::Inability::tracked_link_down;

    const EventText text = describe(front(), event);

    CHECK(text.level == LogLevel::warning);
    CHECK(field(text.fields, "cause") == "tracked_link_down");
    CHECK(field(text.fields, "reason") == "tracked link eth1 is down");
  }

  TEST_CASE("giving the addresses away on purpose is no warning") {
    CHECK(describe(front(), transition(vrrp::State::active, vrrp::State::backup, vrrp::Cause::handover)).level ==
          LogLevel::info);
    CHECK(describe(front(), transition(vrrp::State::active, vrrp::State::backup, vrrp::Cause::outranked)).level ==
          LogLevel::warning);
  }

  TEST_CASE("a split brain is an error that names the other one") {
    vrrp::Event event;
    event.kind = vrrp::EventKind::contested;
    event.other = *IpAddress::parse("192.0.2.3");

    const EventText text = describe(front(), event);

    CHECK(text.level == LogLevel::error);
    CHECK(field(text.fields, "other") == "192.0.2.3");
  }

  TEST_CASE("a program hears the arguments that keepalived gives and more in its environment") {
    const Notification hook = make_notification(
        front(), transition(vrrp::State::active, vrrp::State::initialize, vrrp::Cause::shutdown), "lb-a");

    CHECK(hook.program == "/usr/local/bin/on-change");
    CHECK(hook.arguments == std::vector<std::string>{"INSTANCE", "front", "FAULT", "150"});
    CHECK(variable(hook, "TANDEM_STATE") == "initialize");
    CHECK(variable(hook, "TANDEM_OLD_STATE") == "active");
    CHECK(variable(hook, "TANDEM_CAUSE") == "shutdown");
    CHECK(variable(hook, "TANDEM_NODE") == "lb-a");
    CHECK(variable(hook, "TANDEM_ADDRESSES") == "192.0.2.100/24 192.0.2.101/32");
  }

  TEST_CASE("a router that cannot serve says why and one that is worth less too") {
    vrrp::InstanceStatus status;
    status.state = vrrp::State::backup;
    status.priority = vrrp::Priority{100};
    status.inabilities = {vrrp::Inability::link_down};
    status.active_router = *IpAddress::parse("192.0.2.3");
    status.active_priority = vrrp::Priority{120};
    const Instant now{100s};
    status.since = Instant{90s};
    status.last_heard = Instant{99s};

    const admin::VrrpView view = view_router(front(), status, now, WallTime{1000s});

    CHECK(view.state == "backup");
    CHECK(view.addresses == std::vector<std::string>{"192.0.2.100/24", "192.0.2.101/32"});
    CHECK(view.priority == 100);
    CHECK(view.priority_configured == 150);
    CHECK(view.reasons == std::vector<std::string>{"link eth0 is down",
                                                   "priority 100 instead of 150: something that it tracks is lost"});
    CHECK(view.active_router == "192.0.2.3");
    CHECK(view.since == WallTime{990s});
    CHECK(view.heard == Duration{1s});
  }
}

}  // namespace tandem::app
