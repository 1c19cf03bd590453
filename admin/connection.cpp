#include "admin/connection.hpp"

#include <pwd.h>

#include <array>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <ctime>
#include <optional>
#include <utility>
#include <vector>

#include "admin/dispatch.hpp"
#include "admin/event_stream.hpp"
#include "admin/request_head.hpp"
#include "base/text.hpp"
#include "metrics/process.hpp"

namespace tandem::admin {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Stream = beast::basic_stream<boost::asio::generic::stream_protocol>;

constexpr std::size_t kLingerBytes = 1024 * 1024;
constexpr Duration kLinger = 2s;

/// What a client did that Beast's parser refuses; none: it went away.
std::optional<Reply> refusal_of(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return error_reply(431, "the request's head is too large");
  }
  if (error == http::error::body_limit) {
    return error_reply(413, "the request's body is too large");
  }
  static const error_code any_framing_error = http::error::end_of_stream;
  if (error.category() != any_framing_error.category() || error == http::error::end_of_stream ||
      error == http::error::partial_message) {
    return std::nullopt;
  }
  return error_reply(400, concat("malformed request: ", error.message()));
}

std::string user_name(std::uint32_t uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return entry.pw_name;
  }
  return concat("uid ", uid);
}

std::string who_is(const Peer& peer) {
  return peer.kind == Peer::Kind::unix_socket ? user_name(peer.uid)
                                              : concat("token from ", to_string(peer.address.unmapped()));
}

/// RFC 9110 section 5.6.7.
std::string http_date() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 64> buffer{};
  return {buffer.data(), std::strftime(buffer.data(), buffer.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

template <class Body>
void set_head(http::response<Body>& response, const Reply& reply) {
  response.set(http::field::server, "tandem");
  response.set(http::field::date, http_date());
  response.set(http::field::content_type, reply.content_type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : reply.headers) {
    response.set(name, value);
  }
}

}  // namespace

void Service::add_own(metrics::Collection& collection) const {
  const auto count = [&](std::string_view reason, std::uint64_t number) {
    collection.add(metrics::Metric::admin_rejected_total, {reason}, static_cast<double>(number));
  };
  count("connections", rejected_connections);
  count("slow_reader", rejected_slow_readers);
  metrics::add(collection, metrics::read_process_usage());
}

struct Connection::State : std::enable_shared_from_this<Connection::State> {
  enum class After : std::uint8_t { read_on, close };

  State(Socket socket, const Peer& from, std::shared_ptr<Service> shared, std::function<void()> at_end)
      : stream(std::move(socket)), peer(from), service(std::move(shared)), on_end(std::move(at_end)) {
    buffer.max_size(2 * std::size_t{service->limits.head_bytes_max});
  }

  void read_head() {
    parser.emplace();
    parser->header_limit(service->limits.head_bytes_max);
    parser->body_limit(service->limits.body_bytes_max);
    head_only = false;
    stream.expires_after(service->limits.request_timeout);
    http::async_read_header(stream, buffer, *parser, [self = shared_from_this()](const error_code& error, std::size_t) {
      self->on_head(error);
    });
  }

  void on_head(const error_code& error) {
    if (error) {
      return on_read_error(error);
    }
    const auto& parsed = parser->get();
    head_only = parsed.method() == http::verb::head;
    auto routed = route(head_of(parsed), peer, service->access);
    if (auto* refused = std::get_if<Reply>(&routed)) {
      return send(std::move(*refused), parser->is_done() ? After::read_on : After::close);
    }
    call = std::get<Call>(std::move(routed));
    if (parser->is_done()) {
      return carry_out();
    }
    if (beast::iequals(parsed[http::field::expect], "100-continue")) {
      return ask_for_body();
    }
    read_body();
  }

  void ask_for_body() {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    boost::asio::async_write(
        stream, boost::asio::buffer(kContinue),
        [self = shared_from_this()](const error_code& error, std::size_t) { error ? self->end() : self->read_body(); });
  }

  void read_body() {
    http::async_read(stream, buffer, *parser, [self = shared_from_this()](const error_code& error, std::size_t) {
      error ? self->on_read_error(error) : self->carry_out();
    });
  }

  void on_read_error(const error_code& error) {
    if (auto refused = refusal_of(error)) {
      return send(*std::move(refused), After::close);
    }
    end();
  }

  void carry_out() {
    if (service->control == nullptr) {
      return end();
    }
    if (is_command(call.action)) {
      if (const auto taken = take_body(call, parser->get().body()); !taken) {
        return send(error_reply(400, taken.error().text), After::read_on);
      }
    }
    if (call.action == Action::live_events) {
      return start_events();
    }
    stream.expires_never();
    dispatch(
        call, is_command(call.action) ? who_is(peer) : std::string(), *service->control,
        [this](metrics::Collection& collection) { service->add_own(collection); },
        [weak = weak_from_this()](Reply reply) {  // a reload may answer when all this is long gone
          if (const auto self = weak.lock()) {
            self->send(std::move(reply), After::read_on);
          }
        });
  }

  void send(Reply reply, After after) {
    if (ended) {
      return;
    }
    const auto& parsed = parser->get();
    const bool keep_alive = after == After::read_on && parsed.keep_alive();
    const auto begin = [&](auto& message, std::size_t body_bytes) {
      message.version(parsed.version() == 10 ? 10 : 11);
      message.result(reply.status);
      set_head(message, reply);
      message.keep_alive(keep_alive);
      message.content_length(body_bytes);
    };
    stream.expires_after(service->limits.response_timeout);
    const auto on_sent = [self = shared_from_this(), keep_alive](const error_code& error, std::size_t) {
      self->on_sent(error, keep_alive ? After::read_on : After::close);
    };
    if (head_only) {
      begin(head_response.emplace(), reply.body.size());
      return http::async_write(stream, *head_response, on_sent);
    }
    begin(response.emplace(), reply.body.size());
    response->body() = std::move(reply.body);
    http::async_write(stream, *response, on_sent);
  }

  void on_sent(const error_code& error, After after) {
    response.reset();
    head_response.reset();
    if (error || ended) {
      return end();
    }
    if (after == After::read_on) {
      return read_head();
    }
    error_code ignored;
    stream.socket().shutdown(boost::asio::socket_base::shutdown_send, ignored);
    stream.expires_after(kLinger);
    linger();
  }

  /// What the client still sends is thrown away for a while: closing on unread bytes would reset the connection, and
  /// the answer with it (RFC 9112 section 9.6).
  void linger() {
    stream.async_read_some(boost::asio::buffer(discarded),
                           [self = shared_from_this()](const error_code& error, std::size_t bytes) {
                             self->lingered += bytes;
                             error || self->lingered > kLingerBytes ? self->end() : self->linger();
                           });
  }

  void start_events() {
    stream.expires_never();
    const auto after = call.since;
    events = EventStream::start(stream.release_socket(), service->control->events(), after, service->limits,
                                [self = shared_from_this()](EventStream::End cause) { self->on_events_end(cause); });
  }

  void on_events_end(EventStream::End cause) {
    service->rejected_slow_readers += cause == EventStream::End::slow_reader ? 1U : 0U;
    end();
  }

  void end() {
    if (!close()) {
      return;
    }
    if (on_end) {
      std::exchange(on_end, {})();
    }
  }

  /// Did it live until now?
  bool close() {
    if (std::exchange(ended, true)) {
      return false;
    }
    if (events) {
      events->stop();
    }
    stream.close();
    return true;
  }

  Stream stream;
  const Peer peer;
  const std::shared_ptr<Service> service;
  std::function<void()> on_end;
  bool ended = false;
  bool head_only = false;
  beast::flat_buffer buffer;
  std::optional<http::request_parser<http::string_body>> parser;
  Call call;
  std::optional<http::response<http::string_body>> response;
  std::optional<http::response<http::empty_body>> head_response;
  std::shared_ptr<EventStream> events;
  std::array<char, 4096> discarded{};
  std::size_t lingered = 0;
};

Connection Connection::start(Socket socket, const Peer& peer, std::shared_ptr<Service> service,
                             std::function<void()> on_end) {
  const auto state = std::make_shared<State>(std::move(socket), peer, std::move(service), std::move(on_end));
  state->read_head();
  Connection handle;
  handle.state_ = state;
  return handle;
}

void Connection::close() {
  state_->on_end = {};
  state_->close();
}

}  // namespace tandem::admin
