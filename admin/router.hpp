#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "admin/table.hpp"
#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "metrics/format.hpp"

namespace tandem::admin {

/// The head of a request, as far as anybody cares. An empty header is none.
struct Request {
  std::string method;
  std::string target;
  bool host_required = true;  // HTTP/1.1
  std::vector<std::string> hosts;
  std::string authorization;
  std::string accept;
  std::string last_event_id;
};

/// Who asks, as the kernel says.
struct Peer {
  enum class Kind : std::uint8_t { unix_socket, tcp };

  Kind kind = Kind::unix_socket;
  IpAddress address;      // tcp
  std::uint32_t uid = 0;  // unix_socket
};

/// Who may come in over TCP.
struct Access {
  std::string token;                     // empty: none is configured
  std::vector<std::string> known_hosts;  // besides IP addresses and localhost
};

/// What goes back, once.
struct Reply {
  unsigned status = 200;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// {"error": text}
[[nodiscard]] Reply error_reply(unsigned status, std::string_view text);

enum class Action : std::uint8_t {
  page,
  metrics,
  healthz,
  readyz,
  status,
  status_text,
  events,
  live_events,
  drain,
  ready,
  promote,
  handover,
  reload,
};

/// A request that is allowed and makes sense so far; a command's body is still to come.
struct Call {
  Action action = Action::page;
  metrics::Format format = metrics::Format::text;  // metrics
  Colour colour = Colour::never;                   // page, status_text
  std::optional<std::uint64_t> since;              // events, live_events
  std::string cluster;                             // drain, ready, promote
  std::string backend;
  std::string instance;           // handover
  std::optional<Duration> lasts;  // drain
  std::string reason;
};

[[nodiscard]] bool is_command(Action action) noexcept;

/// Decides what a request gets: a Call, or a Reply that says why not. Checks Host against DNS rebinding, the token,
/// the path, the method. Pure.
[[nodiscard]] std::variant<Call, Reply> route(const Request& request, const Peer& peer, const Access& access);

/// Takes a command's body into its call. The error is for a 400.
Result<> take_body(Call& call, std::string_view body);

}  // namespace tandem::admin
