#include "app/demo/database.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/text.hpp"
#include "net/fd.hpp"
#include "net/socket.hpp"

namespace tandem::app::demo {

namespace {

constexpr std::size_t kRequestMax = 4096;
constexpr std::size_t kConnectionsMax = 256;
constexpr std::uint32_t kBacklog = 128;

enum class Port { data, rest };

struct Connection {
  net::Fd socket;
  Port port = Port::data;
  std::string request;
};

bool is_primary(const Database& database, const Ledger& ledger) { return ledger.leader == database.index; }

std::string http(std::string_view status, std::string_view type, std::string_view body) {
  return concat("HTTP/1.1 ", status, "\r\nContent-Type: ", type, "\r\nContent-Length: ", body.size(),
                "\r\nConnection: close\r\n\r\n", body);
}

void accept_all(const net::Fd& listener, Port port, std::vector<Connection>& connections) {
  while (connections.size() < kConnectionsMax) {
    net::Fd accepted(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!accepted) {
      return;
    }
    connections.push_back({std::move(accepted), port, {}});
  }
}

/// Reads what is there and answers when the request is complete. Returns whether the connection goes on.
bool take_turn(Connection& connection, const Database& database, Ledger& ledger) {
  std::array<char, kRequestMax> buffer{};
  const ssize_t received = recv(connection.socket.get(), buffer.data(), buffer.size(), 0);
  if (received < 0) {
    return errno == EAGAIN || errno == EINTR;
  }
  connection.request.append(buffer.data(), static_cast<std::size_t>(received));
  if (received == 0 || connection.request.size() > kRequestMax) {
    return false;
  }
  if (connection.request.find("\r\n\r\n") == std::string::npos) {
    return true;
  }
  const std::string answer =
      connection.port == Port::data ? answer_data(database, ledger, connection.request) : answer_rest(database, ledger);
  // An answer of this size always fits into an empty socket buffer.
  send(connection.socket.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  return false;
}

}  // namespace

std::string answer_data(const Database& database, Ledger& ledger, std::string_view request) {
  const bool primary = is_primary(database, ledger);
  const bool writes = request.starts_with("POST ");
  if (writes && !primary) {
    return http("503 Service Unavailable", "text/plain", concat(database.name, " replica takes no writes\n"));
  }
  const std::uint64_t position = writes ? ++ledger.position : ledger.position.load();
  return http("200 OK", "text/plain",
              concat(database.name, primary ? " primary " : " replica ", ledger.timeline.load(), " ", position, "\n"));
}

std::string answer_rest(const Database& database, const Ledger& ledger) {
  const bool primary = is_primary(database, ledger);
  const std::uint64_t position = ledger.position;
  const std::string log = primary ? concat(R"({"location": )", position, "}")
                                  : concat(R"({"received_location": )", position, R"(, "replayed_location": )",
                                           position, R"(, "paused": false})");
  const std::string body =
      concat(R"({"state": "running", "role": ")", primary ? "primary" : "replica",
             R"(", "server_version": 150000, "timeline": )", ledger.timeline.load(), R"(, "xlog": )", log,
             R"(, "patroni": {"version": "3.0.0", "scope": "demo", )", R"("name": ")", database.name, R"("}})");
  return http(primary ? "200 OK" : "503 Service Unavailable", "application/json", body);
}

void serve(const Database& database, Ledger& ledger) {
  std::array<net::Fd, 2> listeners;
  const std::array<Endpoint, 2> endpoints{database.data, database.rest};
  for (std::size_t index = 0; index < listeners.size(); ++index) {
    Result<net::Fd> bound = net::bind_tcp(endpoints[index], net::SharePort::no);
    if (!bound || !net::listen(*bound, kBacklog)) {
      return;
    }
    listeners[index] = std::move(*bound);
  }
  std::vector<Connection> connections;
  while (true) {
    std::vector<pollfd> waiting{{listeners[0].get(), POLLIN, 0}, {listeners[1].get(), POLLIN, 0}};
    for (const Connection& connection : connections) {
      waiting.push_back({connection.socket.get(), POLLIN, 0});
    }
    if (poll(waiting.data(), waiting.size(), -1) < 0) {
      continue;
    }
    for (std::size_t index = connections.size(); index > 0; --index) {
      if (waiting[index + 1].revents != 0 && !take_turn(connections[index - 1], database, ledger)) {
        connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(index - 1));
      }
    }
    accept_all(listeners[0], Port::data, connections);
    accept_all(listeners[1], Port::rest, connections);
  }
}

}  // namespace tandem::app::demo
