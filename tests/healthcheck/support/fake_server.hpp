#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/address.hpp"

namespace tandem::healthcheck::testing {

/// How a client left.
enum class Ending { fin, reset, still_there };

/// The server's end of one connection, blocking, bounded by 5 s.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}

  [[nodiscard]] int fd() const { return fd_; }
  /// What comes next; empty at the end.
  std::string read_some();
  std::string read_until(std::string_view end);
  /// False when the client is gone.
  bool write(std::string_view text) const;
  void finish() const;  // sends the FIN
  /// Reads until the client ends the connection, and a little longer to see whether a reset follows.
  Ending wait_end();

 private:
  int fd_;
};

/// Listens on a free port of 127.0.0.1 and serves each connection on a thread of its own.
class FakeServer {
 public:
  using Serve = std::function<void(Peer&)>;

  explicit FakeServer(Serve serve);
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  [[nodiscard]] Endpoint endpoint() const { return endpoint_; }
  [[nodiscard]] int accepted() const { return accepted_; }

 private:
  void run();

  Serve serve_;
  int listener_;
  Endpoint endpoint_;
  std::atomic<int> accepted_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<std::thread> connections_;
  std::vector<int> fds_;
  std::thread thread_;
};

/// A port of 127.0.0.1 where nobody listens, held so that nobody will.
class ClosedPort {
 public:
  ClosedPort();
  ~ClosedPort();
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;

  [[nodiscard]] Endpoint endpoint() const { return endpoint_; }
  [[nodiscard]] int fd() const { return fd_; }
  /// Opens it after all; accepting does not block.
  void listen(int backlog = 16) const;

 private:
  int fd_;
  Endpoint endpoint_;
};

}  // namespace tandem::healthcheck::testing
