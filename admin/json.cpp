#include "admin/json.hpp"

#include <boost/json.hpp>
#include <utility>

#include "admin/json_text.hpp"
#include "admin/printable.hpp"
#include "base/text.hpp"

namespace tandem::admin {

namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

constexpr Duration kOrderLastsMax = 24h * 365;
constexpr std::size_t kReasonMax = 1000;

json::value to_json(WallTime time) { return json::value(to_string(time)); }
json::value to_json(Duration duration) { return std::chrono::duration<double>(duration).count(); }
json::value to_json(std::uint64_t number) { return number; }

json::value to_json(const OverrideView& override_view);
json::value to_json(const ClusterView& cluster);
json::value to_json(std::uint8_t number);
json::value to_json(const PeerView& peer);

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? to_json(*value) : json::value(nullptr);
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(valid_utf8(text));
}

json::value limit_or_null(std::uint32_t limit) { return limit == 0 ? json::value(nullptr) : json::value(limit); }

template <class Texts>
json::array to_json_array(const Texts& texts) {
  json::array out;
  out.reserve(texts.size());
  for (const std::string& text : texts) {
    out.emplace_back(valid_utf8(text));
  }
  return out;
}

json::value to_json(const NodeView& node) {
  return json::object{{"name", valid_utf8(node.name)}, {"version", node.version},
                      {"revision", node.revision},     {"uptime_seconds", to_json(node.uptime)},
                      {"ready", node.ready},           {"reasons", to_json_array(node.reasons)},
                      {"workers", node.workers}};
}

json::value to_json(const ConfigView& config) {
  return json::object{{"file", valid_utf8(config.file)},
                      {"last_reload_successful", config.last_reload_successful},
                      {"last_reload_at", to_json(config.last_reload_at)},
                      {"last_success_at", or_null(config.last_success_at)},
                      {"error", text_or_null(config.error)}};
}

json::value to_json(const ListenerView& listener) {
  return json::object{{"name", valid_utf8(listener.name)},
                      {"binds", to_json_array(listener.binds)},
                      {"pool", valid_utf8(listener.pool)},
                      {"active", listener.active},
                      {"total", listener.total},
                      {"rejected", listener.rejected},
                      {"bytes_received", listener.bytes_received},
                      {"bytes_sent", listener.bytes_sent},
                      {"max_connections", limit_or_null(listener.max_connections)},
                      {"draining", listener.draining}};
}

json::value to_json(const PoolView& pool) {
  return json::object{{"name", valid_utf8(pool.name)},
                      {"cluster", valid_utf8(pool.cluster)},
                      {"role", pool.role},
                      {"balance", pool.balance},
                      {"generation", pool.generation},
                      {"primary", text_or_null(pool.primary)},
                      {"eligible", to_json_array(pool.eligible)},
                      {"active", pool.active},
                      {"total", pool.total},
                      {"held", pool.held},
                      {"queued", pool.queued},
                      {"fallback", text_or_null(pool.fallback)},
                      {"fallback_active", pool.fallback_active},
                      {"fail_open", pool.fail_open}};
}

json::value to_json(const OverrideView& override_view) {
  return json::object{{"state", override_view.state},
                      {"who", valid_utf8(override_view.who)},
                      {"at", to_json(override_view.at)},
                      {"until", or_null(override_view.until)},
                      {"reason", text_or_null(override_view.reason)}};
}

json::value to_json(const BackendView& backend) {
  return json::object{
      {"name", valid_utf8(backend.name)},
      {"address", backend.address},
      {"zone", text_or_null(backend.zone)},
      {"weight", backend.weight},
      {"tier", backend.tier},
      {"known", backend.known},
      {"up", backend.up},
      {"role", to_string(backend.role)},
      {"epoch", or_null(backend.epoch)},
      {"lag_bytes", or_null(backend.lag_bytes)},
      {"lag_seconds", or_null(backend.lag_time)},
      {"takes_reads", backend.takes_reads},
      {"reason", valid_utf8(backend.reason)},
      {"since", or_null(backend.since)},
      {"probe_duration_seconds", or_null(backend.probe_duration)},
      {"admin_state", backend.override_state ? std::string_view(backend.override_state->state) : "ready"},
      {"override", or_null(backend.override_state)},
      {"sessions", backend.sessions},
      {"total", backend.total},
      {"connect_failures", backend.connect_failures},
      {"max_connections", limit_or_null(backend.max_connections)}};
}

json::value to_json(std::uint8_t number) { return static_cast<std::uint64_t>(number); }

json::value to_json(const VrrpView& router) {
  return json::object{{"name", valid_utf8(router.name)},
                      {"interface", valid_utf8(router.interface)},
                      {"id", router.id},
                      {"version", router.version},
                      {"state", router.state},
                      {"since", or_null(router.since)},
                      {"leaving", router.leaving},
                      {"priority", router.priority},
                      {"priority_configured", router.priority_configured},
                      {"addresses", to_json_array(router.addresses)},
                      {"holds_addresses", router.holds_addresses},
                      {"sync_group", text_or_null(router.sync_group)},
                      {"reasons", to_json_array(router.reasons)},
                      {"source", text_or_null(router.source)},
                      {"active_router", text_or_null(router.active_router)},
                      {"active_priority", or_null(router.active_priority)},
                      {"heard_seconds_ago", or_null(router.heard)},
                      {"heard_nobody", router.heard_nobody},
                      {"contested", router.contested}};
}

json::value to_json(const PeerView& peer) {
  return json::object{{"address", peer.address},
                      {"up", peer.up},
                      {"node", text_or_null(peer.node)},
                      {"version", text_or_null(peer.version)},
                      {"for_seconds", to_json(peer.since)},
                      {"round_trip_seconds", or_null(peer.round_trip)},
                      {"reason", text_or_null(peer.reason)}};
}

template <class Items>
json::array each(const Items& items) {
  json::array out;
  out.reserve(items.size());
  for (const auto& item : items) {
    out.push_back(to_json(item));
  }
  return out;
}

json::value to_json(const ClusterView& cluster) {
  return json::object{{"name", valid_utf8(cluster.name)},
                      {"probed", cluster.probed},
                      {"probe", text_or_null(cluster.probe)},
                      {"primary", text_or_null(cluster.primary)},
                      {"conflict", to_json_array(cluster.conflict)},
                      {"conflict_reason", text_or_null(cluster.conflict_reason)},
                      {"primary_changes", cluster.primary_changes},
                      {"backends", each(cluster.backends)}};
}

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
    case LogLevel::info: break;
  }
  return "info";
}

json::value to_json(const Event& event) {
  json::object fields;
  for (const LogField& field : event.what.fields) {
    json::value& value = fields[field.key];
    std::visit(
        [&](const auto& held) {
          if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::string>) {
            value = valid_utf8(held);
          } else {
            value = held;
          }
        },
        field.value);
  }
  return json::object{{"id", event.id},
                      {"time", to_json(event.at)},
                      {"level", level_name(event.what.level)},
                      {"event", event.what.event},
                      {"fields", std::move(fields)}};
}

/// Whole days as "365d", anything else as usual.
std::string in_days(Duration duration) {
  constexpr Duration day = 24h;
  const bool whole = duration >= day && duration % day == Duration{0};
  return whole ? concat(duration / day, "d") : to_string(duration);
}

Result<Duration> parse_lasts(const json::value& value) {
  if (!value.is_string()) {
    return Error{"\"for\" must be a duration in quotes, such as \"10m\""};
  }
  const auto parsed = parse_duration(std::string_view(value.get_string()));
  if (!parsed) {
    return Error{concat("\"for\": ", parsed.error().text)};
  }
  if (*parsed <= 0s || *parsed > kOrderLastsMax) {
    const std::string typed = printable(std::string_view(value.get_string()));
    return Error{concat("\"for\": ", typed, " must be more than 0s and at most ", in_days(kOrderLastsMax))};
  }
  return *parsed;
}

Result<> take_member(OrderBody& order, std::string_view name, const json::value& value) {
  if (name == "for") {
    const auto lasts = parse_lasts(value);
    if (!lasts) {
      return lasts.error();
    }
    order.lasts = *lasts;
    return {};
  }
  if (name != "reason") {
    return Error{concat("unknown member \"", printable(name), "\" in the body; there are: for, reason")};
  }
  if (!value.is_string()) {
    return Error{"\"reason\" must be a string"};
  }
  const std::string_view reason = value.get_string();
  if (reason.size() > kReasonMax) {
    return Error{concat("\"reason\" is longer than ", kReasonMax, " bytes")};
  }
  order.reason = printable(reason);
  return {};
}

}  // namespace

std::string status_json(const View& view) {
  return json_text(json::object{{"time", to_json(view.at)},
                                {"node", to_json(view.node)},
                                {"config", to_json(view.config)},
                                {"vrrp", each(view.vrrp)},
                                {"peer", or_null(view.peer)},
                                {"listeners", each(view.listeners)},
                                {"pools", each(view.pools)},
                                {"clusters", each(view.clusters)}},
                   Layout::indented);
}

std::string events_json(std::span<const Event> events, std::uint64_t newest) {
  json::array list;
  list.reserve(events.size());
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    list.push_back(to_json(*event));
  }
  return json_text(json::object{{"newest", newest}, {"events", std::move(list)}}, Layout::indented);
}

std::string event_json(const Event& event) { return json_text(to_json(event), Layout::one_line); }

std::string error_json(std::string_view text) {
  return json_text(json::object{{"error", valid_utf8(text)}}, Layout::one_line) + "\n";
}

std::string lines_json(std::span<const std::string> lines) {
  return json_text(json::object{{"lines", to_json_array(lines)}}, Layout::indented);
}

Result<OrderBody> parse_order(std::string_view body) {
  OrderBody order;
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return order;
  }
  boost::system::error_code error;
  const json::value parsed = json::parse(body, error);
  if (error) {
    return Error{concat("the body is not JSON: ", error.message())};
  }
  if (!parsed.is_object()) {
    return Error{"the body must be a JSON object, such as {\"for\": \"10m\", \"reason\": \"upgrade\"}"};
  }
  for (const json::key_value_pair& member : parsed.get_object()) {
    if (const auto taken = take_member(order, member.key(), member.value()); !taken) {
      return taken.error();
    }
  }
  return order;
}

std::string order_json(const OrderBody& body) {
  json::object out;
  if (body.lasts) {
    out["for"] = in_days(*body.lasts);
  }
  if (!body.reason.empty()) {
    out["reason"] = valid_utf8(body.reason);
  }
  return json_text(out, Layout::one_line);
}

std::optional<std::string> message_of_json(std::string_view body) {
  boost::system::error_code error;
  const json::value parsed = json::parse(body, error);
  if (error || !parsed.is_object()) {
    return std::nullopt;
  }
  if (const json::value* text = parsed.get_object().if_contains("error"); text != nullptr && text->is_string()) {
    return std::string(text->get_string());
  }
  const json::value* lines = parsed.get_object().if_contains("lines");
  if (lines == nullptr || !lines->is_array()) {
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (const json::value& line : lines->get_array()) {
    if (line.is_string()) {
      texts.emplace_back(line.get_string());
    }
  }
  return join(texts, "\n");
}

}  // namespace tandem::admin
