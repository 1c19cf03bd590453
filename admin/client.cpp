#include "admin/client.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <utility>

#include "admin/json.hpp"
#include "admin/printable.hpp"
#include "admin/token.hpp"
#include "base/text.hpp"

namespace tandem::admin {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

constexpr std::uint64_t kAnswerMax = std::uint64_t{256} * 1024 * 1024;
constexpr std::string_view kHttp = "http://";
constexpr std::string_view kDefaultPort = "8404";
constexpr std::string_view kHttpAnswer = "HTTP/1.";
constexpr std::size_t kFirstBytes = 512;

/// An address taken apart.
struct Place {
  std::string path;  // of the unix socket; empty: TCP
  std::string host;
  std::string port;
  std::string authority = "localhost";  // for the Host header
};

/// "127.0.0.1:8404" or "localhost:8404", which lack their http://.
bool is_host_and_port(const std::string& address) {
  const auto colon = address.rfind(':');
  return colon != std::string::npos && colon > 0 && colon + 1 < address.size() && !address.starts_with("unix:") &&
         address.find('/') == std::string::npos &&
         address.find_first_not_of("0123456789", colon + 1) == std::string::npos;
}

Result<Place> parse_place(const std::string& address) {
  Place place;
  if (address.empty()) {
    return Error{"no address of a running Tandem is given; --admin tells where"};
  }
  if (!address.starts_with(kHttp)) {
    if (address.find("://") != std::string::npos) {
      return Error{
          concat("admin address \"", printable(address), "\": only http:// and paths of unix sockets are spoken")};
    }
    if (is_host_and_port(address)) {
      return Error{concat("admin address \"", printable(address), "\": write http://", printable(address),
                          ", or ./ before the path of a socket")};
    }
    place.path = address.starts_with("unix:") ? address.substr(5) : address;
    return place;
  }
  std::string authority = address.substr(kHttp.size());
  authority = authority.substr(0, authority.find('/'));
  place.authority = authority;
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  const bool has_port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  place.port = has_port ? authority.substr(colon + 1) : std::string(kDefaultPort);
  place.host = has_port ? authority.substr(0, colon) : authority;
  if (place.host.starts_with('[') && place.host.ends_with(']')) {
    place.host = place.host.substr(1, place.host.size() - 2);
  }
  if (place.host.empty() || place.port.empty()) {
    return Error{concat("admin address \"", printable(address), "\": not http://HOST:PORT")};
  }
  return place;
}

Error nobody_answers(const std::string& address, std::string_view why) {
  return Error{concat("no Tandem answers at ", printable(address), ": ", why, "; is it running? --admin tells where")};
}

std::string user_name(uid_t id) {
  std::array<char, 4096> room{};
  passwd entry{};
  passwd* found = nullptr;
  getpwuid_r(id, &entry, room.data(), room.size(), &found);
  return found == nullptr ? concat("uid ", id) : std::string(found->pw_name);
}

std::string group_name(gid_t id) {
  std::array<char, 4096> room{};
  group entry{};
  group* found = nullptr;
  getgrgid_r(id, &entry, room.data(), room.size(), &found);
  return found == nullptr ? concat("gid ", id) : std::string(found->gr_name);
}

/// Tandem may well run, but this user may not speak to it.
Error not_permitted(const std::string& path) {
  const std::string who = concat("user ", user_name(geteuid()), " may not use the socket ", printable(path));
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) {
    return Error{concat(who, ": it may not enter the directory; run the command as another user, such as with sudo")};
  }
  return Error{concat(who, ", which is for user ", user_name(file.st_uid), " and group ", group_name(file.st_gid),
                      "; run the command as that user or as a member of that group")};
}

/// Something answers, and it is not a Tandem.
Error no_http(const std::string& address) {
  return Error{concat("what answers at ", printable(address), " does not speak HTTP, so it is no Tandem")};
}

/// One request and its answer on an io_context of its own, with one timer over all of it.
class Exchange {
 public:
  Exchange(const ClientOptions& options, Place place, std::string token)
      : options_(options), place_(std::move(place)), token_(std::move(token)), socket_(context_), timer_(context_) {}

  Result<ClientResponse> run(const ClientRequest& request) {
    fill(request);
    parser_.body_limit(kAnswerMax);
    parser_.skip(request.method == "HEAD");
    timer_.expires_after(options_.timeout);
    timer_.async_wait([this](const error_code& error) {
      if (!error) {
        late_ = true;
        context_.stop();
      }
    });
    connect();
    context_.run();
    if (late_) {
      return Error{
          concat("Tandem at ", printable(options_.address), " does not answer within ", to_string(options_.timeout))};
    }
    if (!parsing_ && !begins_like_http()) {
      return no_http(options_.address);
    }
    if (failure_ == boost::system::errc::permission_denied && !place_.path.empty()) {
      return not_permitted(place_.path);
    }
    if (failure_) {
      return nobody_answers(options_.address, failure_.message());
    }
    return response();
  }

 private:
  void fill(const ClientRequest& request) {
    request_.version(11);
    request_.method_string(request.method);
    request_.target(request.target);
    request_.set(http::field::host, place_.authority);
    request_.set(http::field::user_agent, "tandem");
    request_.keep_alive(false);
    if (!request.accept.empty()) {
      request_.set(http::field::accept, request.accept);
    }
    if (!token_.empty()) {
      request_.set(http::field::authorization, "Bearer " + token_);
    }
    if (!request.body.empty()) {
      request_.set(http::field::content_type, "application/json");
      request_.body() = request.body;
    }
    request_.prepare_payload();
  }

  void connect() {
    if (!place_.path.empty()) {
      if (place_.path.size() >= sizeof(sockaddr_un::sun_path)) {
        return end(boost::system::errc::make_error_code(boost::system::errc::filename_too_long));
      }
      const asio::local::stream_protocol::endpoint at(place_.path);
      socket_.async_connect(at, [this](const error_code& error) { error ? end(error) : send(); });
      return;
    }
    resolver_.emplace(context_);
    resolver_->async_resolve(place_.host, place_.port,
                             [this](const error_code& error, const asio::ip::tcp::resolver::results_type& found) {
                               error ? end(error) : connect_to(found);
                             });
  }

  void connect_to(const asio::ip::tcp::resolver::results_type& found) {
    tcp_.emplace(context_);
    asio::async_connect(*tcp_, found, [this](const error_code& error, const asio::ip::tcp::endpoint&) {
      if (error) {
        return end(error);
      }
      socket_ = std::move(*tcp_);
      send();
    });
  }

  void send() {
    http::async_write(socket_, request_, [this](const error_code& error, std::size_t) {
      // A server that refuses may answer before it has read everything.
      error&& error != asio::error::broken_pipe&& error != asio::error::connection_reset ? end(error) : receive();
    });
  }

  bool begins_like_http() const {
    const auto bytes = buffer_.data();
    const std::string_view text(static_cast<const char*>(bytes.data()), bytes.size());
    return kHttpAnswer.starts_with(text.substr(0, kHttpAnswer.size()));
  }

  /// The parser waits for the end of the head, which a server that speaks something else never sends.
  void receive() {
    if (!begins_like_http()) {
      return end({});
    }
    if (buffer_.size() >= kHttpAnswer.size()) {
      return parse();
    }
    socket_.async_read_some(buffer_.prepare(kFirstBytes), [this](const error_code& error, std::size_t bytes) {
      buffer_.commit(bytes);
      error ? end(error) : receive();
    });
  }

  void parse() {
    parsing_ = true;
    http::async_read(socket_, buffer_, parser_, [this](const error_code& error, std::size_t) { end(error); });
  }

  void end(const error_code& error) {
    failure_ = error;
    timer_.cancel();
  }

  ClientResponse response() {
    ClientResponse out;
    auto& parsed = parser_.get();
    out.status = parsed.result_int();
    out.content_type = std::string(parsed[http::field::content_type]);
    out.body = std::move(parsed.body());
    return out;
  }

  const ClientOptions& options_;
  const Place place_;
  const std::string token_;
  asio::io_context context_{1};
  Socket socket_;
  std::optional<asio::ip::tcp::socket> tcp_;
  std::optional<asio::ip::tcp::resolver> resolver_;
  asio::steady_timer timer_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  beast::flat_buffer buffer_;
  error_code failure_;
  bool late_ = false;
  bool parsing_ = false;  // it began like HTTP
};

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

Result<ClientResponse> ask(const ClientOptions& options, const ClientRequest& request) {
  auto place = parse_place(options.address);
  if (!place) {
    return place.error();
  }
  std::string token;
  if (place->path.empty() && !options.token_file.empty()) {
    auto read = read_token_file(options.token_file);
    if (!read) {
      return read.error();
    }
    token = std::move(read->text);
  }
  return Exchange(options, *std::move(place), std::move(token)).run(request);
}

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte >> 4U], kDigits[byte & 0xFU]};
  }
  return out;
}

std::string message(const ClientResponse& response) {
  if (response.content_type.starts_with("application/json")) {
    if (auto text = message_of_json(response.body)) {
      return *std::move(text);
    }
  }
  return response.body;
}

}  // namespace tandem::admin
