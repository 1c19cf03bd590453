#pragma once

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "admin/event_log.hpp"
#include "admin/server_limits.hpp"

namespace tandem::admin {

/// Live events to one client as `text/event-stream` (WHATWG HTML, section "Server-sent events"), with a comment as
/// heartbeat. A client that does not take them is dropped rather than waited for.
class EventStream : public std::enable_shared_from_this<EventStream> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  enum class End : std::uint8_t { client, slow_reader };
  using OnEnd = std::function<void(End)>;

  /// Answers the request that was read from `socket`: first the events after `since`, if given, then those to come.
  static std::shared_ptr<EventStream> start(Socket socket, EventLog& log, std::optional<std::uint64_t> since,
                                            const ServerLimits& limits, OnEnd on_end);
  /// Ends it without a call of `on_end`.
  void stop();

 private:
  EventStream(Socket socket, const ServerLimits& limits, OnEnd on_end);

  void push(std::string text);
  void write();
  void watch();
  void beat();
  void end(End cause);

  Socket socket_;
  boost::asio::steady_timer timer_;
  const ServerLimits limits_;
  OnEnd on_end_;
  EventLog::Subscription subscription_;
  std::deque<std::string> unsent_;  // the first is being written
  std::size_t unsent_bytes_ = 0;
  bool stalled_ = false;  // nothing was taken since the last heartbeat
  bool ended_ = false;
  std::array<char, 512> discarded_{};
};

}  // namespace tandem::admin
