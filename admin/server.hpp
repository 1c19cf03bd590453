#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "admin/control.hpp"
#include "admin/options.hpp"
#include "base/address.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace tandem::admin {

using namespace std::chrono_literals;

/// What one client, or all of them, may ask of the server.
struct ServerLimits {
  std::uint32_t head_bytes_max = 8 * 1024;    // more: 431
  std::uint64_t body_bytes_max = 64 * 1024;   // more: 413
  Duration request_timeout = 10s;             // to wait for a request and read it
  Duration response_timeout = 60s;            // to take an answer
  std::uint32_t connections_max = 64;         // of TCP, and of the unix socket; more are closed and counted
  std::size_t stream_bytes_max = 256 * 1024;  // of live events that a client has not taken; more: it is dropped
  Duration heartbeat = 15s;                   // a comment to every client of live events
};

/// The HTTP API of contract.md over TCP and the unix socket. Lives on the thread that runs `context`, where it calls
/// `control`; both outlive it.
class Server {
 public:
  Server(boost::asio::io_context& context, Control& control, Log log, const ServerLimits& limits = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Opens the sockets and reads the token file. On an open server takes other options by difference: what is the same
  /// stays open, the token file is read again. An error names the thing and changes nothing.
  Result<> open(const AdminOptions& options);
  /// Closes every socket and connection and removes the unix socket's file.
  void close();
  /// Where it listens over TCP, with the port that the kernel chose for port 0.
  [[nodiscard]] std::optional<Endpoint> listening() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tandem::admin
