#include "admin/server.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <utility>

#include "admin/connection.hpp"
#include "admin/token.hpp"
#include "admin/unix_listener.hpp"
#include "base/text.hpp"

namespace tandem::admin {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Local = asio::local::stream_protocol;

constexpr Duration kAcceptRest = 100ms;  // after an accept that failed, such as for want of a file descriptor

tcp::endpoint asio_endpoint(const Endpoint& endpoint) {
  const auto& bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    return {asio::ip::address_v4({bytes[0], bytes[1], bytes[2], bytes[3]}), endpoint.port};
  }
  return {asio::ip::address_v6(bytes), endpoint.port};
}

IpAddress ip_address(const asio::ip::address& address) {
  return address.is_v4() ? IpAddress(address.to_v4().to_bytes()) : IpAddress(address.to_v6().to_bytes());
}

/// Programs that probes start must not inherit it.
void close_on_exec(int fd) { fcntl(fd, F_SETFD, FD_CLOEXEC); }

Result<tcp::acceptor> listen_tcp(asio::io_context& context, const Endpoint& endpoint) {
  tcp::acceptor acceptor(context);
  const tcp::endpoint at = asio_endpoint(endpoint);
  error_code error;
  acceptor.open(at.protocol(), error);
  if (!error) {
    close_on_exec(acceptor.native_handle());
    acceptor.set_option(asio::socket_base::reuse_address(true), error);
  }
  if (!error) {
    acceptor.bind(at, error);
  }
  if (!error) {
    acceptor.listen(asio::socket_base::max_listen_connections, error);
  }
  if (error) {
    return Error{concat("admin listen ", to_string(endpoint), ": ", error.message())};
  }
  return acceptor;
}

std::uint32_t peer_uid(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  constexpr std::uint32_t nobody = ~0U;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 ? credentials.uid : nobody;
}

Peer peer_of(const tcp::socket& socket) {
  Peer peer;
  peer.kind = Peer::Kind::tcp;
  error_code error;
  const tcp::endpoint remote = socket.remote_endpoint(error);
  peer.address = error ? IpAddress() : ip_address(remote.address());
  return peer;
}

Peer peer_of(Local::socket& socket) {
  Peer peer;
  peer.kind = Peer::Kind::unix_socket;
  peer.uid = peer_uid(socket.native_handle());
  return peer;
}

void prepare(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  close_on_exec(socket.native_handle());
}

void prepare(Local::socket& socket) { close_on_exec(socket.native_handle()); }

/// A door: accepts clients of one kind until it is closed. Kept alive by its own waiting.
template <class Protocol>
struct Door {
  using Socket = typename Protocol::socket;

  Door(asio::io_context& context, typename Protocol::acceptor opened, std::function<void(Socket)> use)
      : acceptor(std::move(opened)), rest(context), on_client(std::move(use)) {}

  static void accept(const std::shared_ptr<Door>& door) {
    door->acceptor.async_accept([door](const error_code& error, Socket socket) {
      if (!door->acceptor.is_open()) {
        return;
      }
      if (error) {
        door->rest.expires_after(kAcceptRest);
        return door->rest.async_wait([door](const error_code& stopped) {
          if (!stopped && door->acceptor.is_open()) {
            accept(door);
          }
        });
      }
      prepare(socket);
      door->on_client(std::move(socket));
      accept(door);
    });
  }

  void close() {
    error_code ignored;
    acceptor.close(ignored);
    rest.cancel();
    on_client = {};
  }

  typename Protocol::acceptor acceptor;
  asio::steady_timer rest;
  std::function<void(Socket)> on_client;
};

/// The clients that came through doors of one kind.
struct Clients {
  std::map<std::uint64_t, Connection> by_number;
  std::uint64_t last = 0;
};

}  // namespace

struct Server::State : std::enable_shared_from_this<Server::State> {
  State(asio::io_context& io, Control& behind, Log to, const ServerLimits& bounds)
      : context(io), control(behind), log(std::move(to)) {
    service->control = &control;
    service->limits = bounds;
  }

  Result<> open(const AdminOptions& wanted) {
    auto token = read_token(wanted);
    if (!token) {
      return token.error();
    }
    if (wanted.listen && !wanted.listen->address.is_loopback() && token->empty()) {
      return Error{concat("admin listen ", to_string(*wanted.listen),
                          ": not a loopback address, so token_file is needed in [admin]")};
    }
    std::optional<UnixListener> fresh_unix;
    const bool unix_stays = unix_socket && unix_socket->in_place() && unix_socket->path() == wanted.socket;
    if (!unix_stays && !wanted.socket.empty()) {
      auto opened = UnixListener::open(wanted.socket);
      if (!opened) {
        return opened.error();
      }
      fresh_unix = *std::move(opened);
    }
    if (const auto moved = move_tcp(wanted.listen); !moved) {
      return moved.error();
    }
    if (!unix_stays) {
      move_unix(std::move(fresh_unix));
    }
    service->access.token = *std::move(token);
    service->access.known_hosts = {control.node_name()};
    return {};
  }

  Result<std::string> read_token(const AdminOptions& wanted) const {
    if (wanted.token_file.empty()) {
      return std::string();
    }
    const auto token = read_token_file(wanted.token_file);
    if (!token) {
      return token.error();
    }
    if (token->readable_by == Token::Reach::everybody) {
      log.warning("admin_token_exposed", {{"file", wanted.token_file}, {"reason", "everybody may read it"}});
    }
    return token->text;
  }

  /// The old door stays open until the new one is, unless they are at the same port.
  Result<> move_tcp(const std::optional<Endpoint>& wanted) {
    if (wanted == tcp_at && (tcp_door != nullptr) == wanted.has_value()) {
      return {};
    }
    if (!wanted) {
      close_tcp();
      return {};
    }
    const auto before = tcp_at;
    if (const auto bound = listening(); bound && bound->port == wanted->port) {
      close_tcp();
    }
    auto opened = listen_tcp(context, *wanted);
    if (!opened) {
      reopen_tcp(before);
      return opened.error();
    }
    close_tcp();
    install_tcp(*std::move(opened), *wanted);
    return {};
  }

  void reopen_tcp(const std::optional<Endpoint>& before) {
    if (tcp_door || !before) {
      return;
    }
    if (auto again = listen_tcp(context, *before)) {
      install_tcp(*std::move(again), *before);
    } else {
      log.error("admin_listen_lost", {{"reason", again.error().text}});
    }
  }

  void install_tcp(tcp::acceptor acceptor, const Endpoint& at) {
    tcp_at = at;
    tcp_door = std::make_shared<Door<tcp>>(context, std::move(acceptor), [weak = weak_from_this()](tcp::socket socket) {
      if (const auto self = weak.lock()) {
        const Peer peer = peer_of(socket);
        self->welcome(peer, std::move(socket), self->tcp_clients);
      }
    });
    Door<tcp>::accept(tcp_door);
  }

  [[nodiscard]] std::optional<Endpoint> listening() const {
    if (!tcp_door) {
      return std::nullopt;
    }
    error_code error;
    const tcp::endpoint at = tcp_door->acceptor.local_endpoint(error);
    return error ? std::nullopt : std::optional(Endpoint{ip_address(at.address()), at.port()});
  }

  void move_unix(std::optional<UnixListener> fresh) {
    close_unix();
    if (!fresh) {
      return;
    }
    unix_socket = std::move(fresh);
    Local::acceptor acceptor(context, Local(), unix_socket->release());
    unix_door =
        std::make_shared<Door<Local>>(context, std::move(acceptor), [weak = weak_from_this()](Local::socket socket) {
          if (const auto self = weak.lock()) {
            const Peer peer = peer_of(socket);
            self->welcome(peer, std::move(socket), self->unix_clients);
          }
        });
    Door<Local>::accept(unix_door);
  }

  void welcome(const Peer& peer, Connection::Socket socket, Clients& clients) {
    if (clients.by_number.size() >= service->limits.connections_max) {
      ++service->rejected_connections;
      return;  // closes it
    }
    const std::uint64_t number = ++clients.last;
    const auto forget = [weak = weak_from_this(), &clients, number] {
      if (const auto self = weak.lock()) {
        clients.by_number.erase(number);
      }
    };
    clients.by_number.emplace(number, Connection::start(std::move(socket), peer, service, forget));
  }

  void close_tcp() {
    tcp_at.reset();
    if (const auto door = std::exchange(tcp_door, nullptr)) {
      door->close();
    }
  }

  void close_unix() {
    if (const auto door = std::exchange(unix_door, nullptr)) {
      door->close();
    }
    unix_socket.reset();
  }

  void close() {
    service->control = nullptr;
    close_tcp();
    close_unix();
    for (Clients* clients : {&tcp_clients, &unix_clients}) {
      for (auto& [number, connection] : std::exchange(clients->by_number, {})) {
        connection.close();
      }
    }
  }

  asio::io_context& context;
  Control& control;
  const Log log;
  std::shared_ptr<Service> service = std::make_shared<Service>();
  std::optional<Endpoint> tcp_at;  // as asked for
  std::shared_ptr<Door<tcp>> tcp_door;
  std::optional<UnixListener> unix_socket;
  std::shared_ptr<Door<Local>> unix_door;
  Clients tcp_clients;
  Clients unix_clients;
};

Server::Server(boost::asio::io_context& context, Control& control, Log log, const ServerLimits& limits)
    : state_(std::make_shared<State>(context, control, std::move(log), limits)) {}

Server::~Server() { state_->close(); }

Result<> Server::open(const AdminOptions& options) {
  state_->service->control = &state_->control;
  return state_->open(options);
}

void Server::close() { state_->close(); }

std::optional<Endpoint> Server::listening() const { return state_->listening(); }

}  // namespace tandem::admin
