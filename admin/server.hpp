#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>

#include "admin/control.hpp"
#include "admin/options.hpp"
#include "admin/server_limits.hpp"
#include "base/address.hpp"
#include "base/log.hpp"
#include "base/result.hpp"

namespace tandem::admin {

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
