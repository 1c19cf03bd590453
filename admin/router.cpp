#include "admin/router.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "admin/json.hpp"
#include "admin/printable.hpp"
#include "admin/target.hpp"
#include "admin/token.hpp"
#include "base/text.hpp"
#include "metrics/accept.hpp"

namespace tandem::admin {

namespace {

constexpr std::string_view kRead = "GET, HEAD";
constexpr std::string_view kOrder = "POST";

bool may_read(std::string_view method) { return method == "GET" || method == "HEAD"; }

double quality_of(const std::vector<metrics::MediaRange>& ranges, std::string_view type) {
  double quality = 0;
  for (const metrics::MediaRange& range : ranges) {
    quality = range.is(type) ? std::max(quality, range.quality) : quality;
  }
  return quality;
}

bool wants_text(std::string_view accept) {
  const auto ranges = metrics::parse_accept(accept);
  const double text = std::max(quality_of(ranges, "text/plain"), quality_of(ranges, "text/*"));
  return text > std::max(quality_of(ranges, "application/json"), quality_of(ranges, "*/*"));
}

bool wants_stream(std::string_view accept) {
  return quality_of(metrics::parse_accept(accept), "text/event-stream") > 0;
}

bool is_known(std::string_view host, const Access& access) {
  const std::string name = host_name(host);
  if (name.empty()) {
    return false;
  }
  const bool literal = name.front() == '['
                           ? IpAddress::parse(std::string_view(name).substr(1, name.size() - 2)).has_value()
                           : IpAddress::parse(name).has_value();
  return literal || name == "localhost" ||
         std::any_of(access.known_hosts.begin(), access.known_hosts.end(),
                     [&](const std::string& known) { return name == lower_case(known); });
}

/// A page of a stranger's whose name was pointed at us must not read what the browser's owner may.
std::optional<Reply> check_host(const Request& request, const Peer& peer, const std::string& absolute_host,
                                const Access& access) {
  if (request.hosts.size() > 1) {
    return error_reply(400, "more than one Host header");
  }
  if (request.hosts.empty() && request.host_required) {
    return error_reply(400, "no Host header");
  }
  if (peer.kind == Peer::Kind::unix_socket) {
    return std::nullopt;
  }
  std::vector<std::string> hosts = request.hosts;
  if (!absolute_host.empty()) {
    hosts.push_back(absolute_host);
  }
  for (const std::string& host : hosts) {
    if (!is_known(host, access)) {
      return error_reply(403, concat("host \"", printable(host),
                                     "\" is not this node's name; use its name, localhost or an IP address"));
    }
  }
  return std::nullopt;
}

Reply challenge(std::string_view text) {
  Reply reply = error_reply(401, text);
  reply.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"tandem\"");
  return reply;
}

/// RFC 6750 section 2.1.
std::optional<Reply> check_token(const Request& request, const Access& access) {
  if (access.token.empty()) {
    return error_reply(403, "needs a token, and no token_file is configured in [admin]; use the unix socket");
  }
  if (request.authorization.empty()) {
    return challenge("needs a token: Authorization: Bearer TOKEN");
  }
  const auto token = bearer_token(request.authorization);
  if (!token) {
    return challenge("the Authorization header is not: Bearer TOKEN");
  }
  if (!equal_in_constant_time(*token, access.token)) {
    return error_reply(403, "wrong token");
  }
  return std::nullopt;
}

Reply wrong_method(const Request& request, std::string_view allowed) {
  Reply reply = error_reply(405, concat("method ", printable(request.method), " is not allowed here, but ", allowed));
  reply.headers.emplace_back("Allow", allowed);
  return reply;
}

Reply not_found(const Target& target) {
  return error_reply(404, concat("there is nothing at ", printable(target.path)));
}

/// What a path that only reads stands for.
std::optional<Action> reading_at(std::string_view path) {
  struct Place {
    std::string_view path;
    Action action;
  };
  static constexpr Place kPlaces[] = {
      {"/", Action::page},         {"/metrics", Action::metrics},      {"/healthz", Action::healthz},
      {"/readyz", Action::readyz}, {"/api/v1/status", Action::status}, {"/api/v1/events", Action::events},
  };
  for (const Place& place : kPlaces) {
    if (place.path == path) {
      return place.action;
    }
  }
  return std::nullopt;
}

/// What a path that orders something stands for.
std::optional<Call> order_at(const Target& target) {
  Call call;
  const std::vector<std::string>& at = target.segments;
  if (at == std::vector<std::string>{"api", "v1", "reload"}) {
    call.action = Action::reload;
    return call;
  }
  if (at.size() == 5 && at[0] == "api" && at[1] == "v1" && at[2] == "vrrp" && at[4] == "handover") {
    call.action = Action::handover;
    call.instance = at[3];
    return call;
  }
  if (at.size() != 7 || at[0] != "api" || at[1] != "v1" || at[2] != "clusters" || at[4] != "backends") {
    return std::nullopt;
  }
  call.cluster = at[3];
  call.backend = at[5];
  if (at[6] == "drain") {
    call.action = Action::drain;
  } else if (at[6] == "ready") {
    call.action = Action::ready;
  } else if (at[6] == "promote") {
    call.action = Action::promote;
  } else {
    return std::nullopt;
  }
  return call;
}

std::optional<std::uint64_t> parse_id(std::string_view text) {
  std::uint64_t id = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), id);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) {
    return std::nullopt;
  }
  return id;
}

std::variant<Call, Reply> events_call(const Request& request, const Target& target) {
  Call call;
  const bool live = wants_stream(request.accept) && request.method == "GET";
  call.action = live ? Action::live_events : Action::events;
  std::string since = target.query("since");
  if (live && !request.last_event_id.empty()) {
    since = request.last_event_id;  // a browser's EventSource says so when it comes back
  }
  if (since.empty()) {
    return call;
  }
  call.since = parse_id(since);
  if (!call.since) {
    return error_reply(400, concat("since=", printable(since), " is not the id of an event"));
  }
  return call;
}

std::variant<Call, Reply> reading_call(Action action, const Request& request, const Target& target) {
  if (action == Action::events) {
    return events_call(request, target);
  }
  Call call;
  call.action = action;
  call.format = metrics::choose_format(request.accept);
  if (action == Action::status && wants_text(request.accept)) {
    call.action = Action::status_text;
  }
  if (target.query("colour") == "always") {
    call.colour = Colour::always;
  }
  return call;
}

}  // namespace

Reply error_reply(unsigned status, std::string_view text) {
  Reply reply;
  reply.status = status;
  reply.content_type = "application/json";
  reply.body = error_json(text);
  return reply;
}

bool is_command(Action action) noexcept {
  return action == Action::drain || action == Action::ready || action == Action::promote ||
         action == Action::handover || action == Action::reload;
}

std::variant<Call, Reply> route(const Request& request, const Peer& peer, const Access& access) {
  const auto target = parse_target(request.target);
  if (!target) {
    return error_reply(400, target.error().text);
  }
  if (auto refused = check_host(request, peer, target->host, access)) {
    return *std::move(refused);
  }
  const bool far = peer.kind == Peer::Kind::tcp && !peer.address.unmapped().is_loopback();
  if (far) {
    if (auto refused = check_token(request, access)) {
      return *std::move(refused);
    }
  }
  if (const auto action = reading_at(target->path)) {
    return may_read(request.method) ? reading_call(*action, request, *target) : wrong_method(request, kRead);
  }
  auto order = order_at(*target);
  if (!order) {
    return not_found(*target);
  }
  if (request.method != kOrder) {
    return wrong_method(request, kOrder);
  }
  if (peer.kind == Peer::Kind::tcp && !far) {
    if (auto refused = check_token(request, access)) {
      return *std::move(refused);
    }
  }
  return *std::move(order);
}

Result<> take_body(Call& call, std::string_view body) {
  auto order = parse_order(body);
  if (!order) {
    return order.error();
  }
  if (order->lasts && call.action != Action::drain) {
    return Error{"\"for\" has a meaning only for drain"};
  }
  call.lasts = order->lasts;
  call.reason = std::move(order->reason);
  return {};
}

}  // namespace tandem::admin
