#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "lb/relay/relay_plane.hpp"
#include "lb/snapshot.hpp"
#include "net/fd.hpp"

/// Loopback sockets and a plane to put between them. Everything that waits gives up after kPatience.
namespace tandem::lb::relay::test {

using namespace std::chrono_literals;

inline constexpr Duration kPatience = 20s;

/// A blocking TCP socket of a test's client or backend; reading and writing give up after kPatience.
class Peer {
 public:
  Peer() = default;
  explicit Peer(net::Fd fd);

  [[nodiscard]] const net::Fd& fd() const { return fd_; }
  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(fd_); }
  /// True when everything was taken.
  bool send(std::string_view bytes) const;
  /// Exactly `size` bytes, fewer at the end of the stream.
  [[nodiscard]] std::string receive(std::size_t size) const;
  /// Everything up to the end of the stream.
  [[nodiscard]] std::string receive_all() const;
  enum class Ending { fin, reset, silent };
  /// Reads away what comes and says how it ends; silent: nothing came within `patience`.
  [[nodiscard]] Ending ending(Duration patience = kPatience) const;
  /// No more bytes from here.
  void finish() const;
  void reset();
  void close() { fd_.close(); }
  [[nodiscard]] Endpoint local() const;
  [[nodiscard]] Endpoint remote() const;

 private:
  net::Fd fd_;
};

Peer connect_to(const Endpoint& endpoint);

/// A listening socket on 127.0.0.1, port chosen by the kernel.
class Server {
 public:
  explicit Server(int backlog = 512);
  /// Where another one listened before.
  explicit Server(const Endpoint& address, int backlog = 512);

  [[nodiscard]] const Endpoint& address() const { return address_; }
  /// Empty when nobody comes within `patience`.
  [[nodiscard]] Peer accept(Duration patience = kPatience) const;
  [[nodiscard]] const net::Fd& fd() const { return fd_; }
  /// Nobody listens any more.
  void close() { fd_.close(); }

 private:
  net::Fd fd_;
  Endpoint address_;
};

/// Answers every byte with itself, for any number of connections, on a thread of its own.
class EchoServer {
 public:
  EchoServer();
  ~EchoServer();

  [[nodiscard]] const Endpoint& address() const { return server_.address(); }
  [[nodiscard]] std::uint64_t accepted() const { return accepted_.load(); }

 private:
  void run();

  Server server_;
  net::Fd stop_;
  std::atomic<std::uint64_t> accepted_{0};
  struct Thread;
  std::unique_ptr<Thread> thread_;
};

/// Waits until `condition`; false after kPatience.
bool eventually(const std::function<bool()>& condition);

struct PoolSetup {
  PoolOptions options;
  std::vector<std::shared_ptr<Backend>> backends;
  std::optional<PoolId> fallback;
  std::uint64_t generation = 1;
  std::uint32_t max_connections_per_backend = 0;
  Role role = Role::none;
  std::vector<std::uint32_t> tiers;  // by backend; empty: all 0
};

/// A started plane with one pool (id 1) and what is needed to change it.
class Bench {
 public:
  explicit Bench(std::size_t workers = 1, std::uint32_t log_one_in = 1);
  ~Bench();

  std::shared_ptr<Backend> backend(const Endpoint& address);
  /// Sets a pool; publish() makes it known.
  PoolSetup& pool(std::uint32_t id = 1);
  /// Waits until all workers have carried it out.
  void publish(std::vector<Sever> severs = {});
  /// Does not wait; returns a flag that says when it is carried out.
  std::shared_ptr<std::atomic<bool>> publish_later(std::vector<Sever> severs);

  /// Opens a listener on 127.0.0.1 in front of pool 1, and says where.
  Endpoint listen(ListenerOptions options = {}, std::uint32_t listener = 1, std::uint32_t pool = 1);
  void update(ListenerOptions options, std::uint32_t listener = 1, std::uint32_t pool = 1);

  RelayPlane& plane() { return *plane_; }
  PoolState& state(std::uint32_t pool = 1) { return *states_.at(pool); }
  ListenerState& listener_state(std::uint32_t listener = 1) { return *listener_states_.at(listener); }
  std::uint64_t closed(Cause cause, std::uint32_t pool = 1);
  std::uint64_t rejected(Rejection rejection, std::uint32_t listener = 1);
  std::uint64_t connect_failures(const Backend& backend, ConnectFailure failure);
  /// The `session` lines so far, one map of fields each.
  std::vector<std::map<std::string, std::string>> session_lines();
  std::vector<ConnectFailed> reported();

 private:
  const std::size_t workers_;
  std::mutex mutex_;
  std::vector<std::map<std::string, std::string>> lines_;
  std::vector<ConnectFailed> reported_;
  std::unique_ptr<RelayPlane> plane_;
  std::uint32_t next_backend_ = 1;
  std::uint64_t version_ = 0;
  std::map<std::uint32_t, PoolSetup> pools_;
  std::map<std::uint32_t, std::shared_ptr<PoolState>> states_;
  std::map<std::uint32_t, std::shared_ptr<ListenerState>> listener_states_;
};

/// `size` bytes that depend on `seed`, so that a wrong place shows.
std::string pattern(std::size_t size, std::uint64_t seed);

}  // namespace tandem::lb::relay::test
