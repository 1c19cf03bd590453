#pragma once

#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "lb/forward_plane.hpp"
#include "lb/relay/listener.hpp"
#include "lb/snapshot.hpp"

namespace tandem::lb::relay {

/// A snapshot on its way into use; whoever is the last worker to have carried everything out says so.
class Publication {
 public:
  Publication(std::size_t workers, std::function<void()> applied) : remaining_(workers), applied_(std::move(applied)) {}

  /// Once per worker, on its thread.
  void done() {
    // acq_rel: what the other workers did before happens before what `applied` causes
    if (remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1 && applied_) {
      applied_();
    }
  }

 private:
  std::atomic<std::size_t> remaining_;
  std::function<void()> applied_;
};

/// What a worker is told, by the control thread or by another worker. They are obeyed in order, before the turn's
/// events.
struct OpenListener {
  ListenerSpec spec;
  std::vector<net::Fd> sockets;
  std::shared_ptr<std::latch> done;
};
struct UpdateListener {
  ListenerSpec spec;
};
struct CloseListener {
  ListenerId id{};
  std::shared_ptr<std::latch> done;
};
struct Adopt {
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<const std::vector<Sever>> severs;
  std::shared_ptr<Publication> publication;
};
/// A client that another worker accepted, which has too many already.
struct HandOver {
  Accepted accepted;
  ListenerSpec spec;
};
/// A slot became free, and this worker's line for `entry` waited longest.
struct Serve {
  PoolId entry{};
};
struct Stop {};

using Command = std::variant<OpenListener, UpdateListener, CloseListener, Adopt, HandOver, Serve, Stop>;

}  // namespace tandem::lb::relay
