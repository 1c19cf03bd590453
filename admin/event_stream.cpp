#include "admin/event_stream.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "admin/json.hpp"
#include "base/text.hpp"

namespace tandem::admin {

namespace {

using boost::system::error_code;

constexpr std::string_view kHead =
    "HTTP/1.1 200 OK\r\n"
    "Server: tandem\r\n"
    "Content-Type: text/event-stream\r\n"
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Connection: close\r\n"
    "\r\n"
    ": live events\n\n";

std::string message(const Event& event) { return concat("id: ", event.id, "\ndata: ", event_json(event), "\n\n"); }

}  // namespace

std::shared_ptr<EventStream> EventStream::start(Socket socket, EventLog& log, std::optional<std::uint64_t> since,
                                                const ServerLimits& limits, OnEnd on_end) {
  std::shared_ptr<EventStream> stream(new EventStream(std::move(socket), limits, std::move(on_end)));
  std::string first(kHead);
  if (since) {
    for (const Event& event : log.since(*since)) {
      first += message(event);
    }
  }
  stream->unsent_bytes_ = first.size();
  stream->unsent_.push_back(std::move(first));
  stream->subscription_ = log.subscribe([weak = stream->weak_from_this()](const Event& event) {
    if (const auto self = weak.lock()) {
      self->push(message(event));
    }
  });
  stream->write();
  stream->watch();
  stream->beat();
  return stream;
}

EventStream::EventStream(Socket socket, const ServerLimits& limits, OnEnd on_end)
    : socket_(std::move(socket)), timer_(socket_.get_executor()), limits_(limits), on_end_(std::move(on_end)) {}

void EventStream::push(std::string text) {
  if (ended_) {
    return;
  }
  if (unsent_bytes_ + text.size() > limits_.stream_bytes_max) {
    return end(End::slow_reader);
  }
  unsent_bytes_ += text.size();
  unsent_.push_back(std::move(text));
  if (unsent_.size() == 1) {
    write();
  }
}

void EventStream::write() {
  boost::asio::async_write(socket_, boost::asio::buffer(unsent_.front()),
                           [self = shared_from_this()](const error_code& error, std::size_t) {
                             if (error || self->ended_) {
                               return self->end(End::client);
                             }
                             self->stalled_ = false;
                             self->unsent_bytes_ -= self->unsent_.front().size();
                             self->unsent_.pop_front();
                             if (!self->unsent_.empty()) {
                               self->write();
                             }
                           });
}

/// Reads only to notice that the client went away.
void EventStream::watch() {
  socket_.async_read_some(boost::asio::buffer(discarded_),
                          [self = shared_from_this()](const error_code& error, std::size_t) {
                            error || self->ended_ ? self->end(End::client) : self->watch();
                          });
}

void EventStream::beat() {
  timer_.expires_after(limits_.heartbeat);
  timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (error || self->ended_) {
      return;
    }
    if (self->stalled_) {
      return self->end(End::slow_reader);
    }
    self->stalled_ = !self->unsent_.empty();
    if (!self->stalled_) {
      self->push(":\n\n");
    }
    if (!self->ended_) {
      self->beat();
    }
  });
}

void EventStream::stop() {
  if (std::exchange(ended_, true)) {
    return;
  }
  on_end_ = {};
  subscription_ = {};
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

void EventStream::end(End cause) {
  if (ended_) {
    return;
  }
  const OnEnd told = std::exchange(on_end_, {});
  stop();
  told(cause);
}

}  // namespace tandem::admin
