#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "admin/control.hpp"
#include "admin/event_log.hpp"
#include "admin/view.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace tandem::admin {

/// `GET /api/v1/status`: names in snake_case, in a fixed order; durations in seconds, times as RFC 3339; what is not
/// known is null.
[[nodiscard]] std::string status_json(const View& view);

/// `GET /api/v1/events`: newest first. `events` come oldest first.
[[nodiscard]] std::string events_json(std::span<const Event> events, std::uint64_t newest);

/// One event on one line, for a live stream.
[[nodiscard]] std::string event_json(const Event& event);

/// {"error": "…"}
[[nodiscard]] std::string error_json(std::string_view text);

/// {"lines": […]}: what a command did.
[[nodiscard]] std::string lines_json(std::span<const std::string> lines);

/// The body of a command: {"for": "10m", "reason": "…"}, both optional.
struct OrderBody {
  std::optional<Duration> lasts;
  std::string reason;
};

/// Empty text is an order without particulars. The error says what is wrong with the body.
Result<OrderBody> parse_order(std::string_view body);

/// The other way round, for a client.
[[nodiscard]] std::string order_json(const OrderBody& body);

/// What an answer says to people: `error`, else `lines` one per line; none if it is neither.
[[nodiscard]] std::optional<std::string> message_of_json(std::string_view body);

}  // namespace tandem::admin
