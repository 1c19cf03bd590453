#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "admin/control.hpp"
#include "admin/router.hpp"
#include "admin/server_limits.hpp"
#include "metrics/collection.hpp"

namespace tandem::admin {

/// What the connections of one server share.
struct Service {
  Control* control = nullptr;  // null once the server is closed
  ServerLimits limits;
  Access access;
  std::uint64_t rejected_connections = 0;
  std::uint64_t rejected_slow_readers = 0;

  /// tandem_admin_* and process_*.
  void add_own(metrics::Collection& collection) const;
};

/// One client: reads requests one after the other and answers them, or streams events. To be kept until it ends: while
/// it waits for a reload nothing else keeps it.
class Connection {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;

  /// `on_end` is called once, when it has ended, but not by close().
  static Connection start(Socket socket, const Peer& peer, std::shared_ptr<Service> service,
                          std::function<void()> on_end);
  /// Ends it at once.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace tandem::admin
