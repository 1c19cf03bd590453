#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "lb/forward_plane.hpp"
#include "net/fd.hpp"
#include "net/reactor.hpp"

namespace tandem::lb::relay {

/// A client that the kernel has handed to us.
struct Accepted {
  net::Fd fd;
  Endpoint peer;
};

/// One file descriptor kept for the moment when there are none: given up, it lets a client be accepted and turned
/// away instead of staying in the backlog, where it would keep epoll busy for nothing.
class SpareFd {
 public:
  SpareFd() { restore(); }
  void give_up() { fd_.close(); }
  /// True when there is one to give up.
  bool restore();

 private:
  net::Fd fd_;
};

/// One worker's share of a listener: its sockets, and the options that its sessions follow. Outlives the sockets as
/// long as sessions refer to it.
class Listener {
 public:
  using OnReady = std::function<void(Listener&)>;
  enum class Backlog { drained, more, stuck };

  Listener(ListenerSpec spec, std::vector<net::Fd> sockets, OnReady on_ready);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] const ListenerSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] const ListenerOptions& options() const noexcept { return *spec_.options; }
  [[nodiscard]] ListenerState& state() const noexcept { return *spec_.state; }
  /// Other options and pool; the sockets follow where they can.
  void update(ListenerSpec spec);

  /// From now on `on_ready` is called when clients wait.
  void watch(net::Reactor& reactor);
  /// Accepts up to `limit` clients and lowers it by their number. stuck: no file descriptor, try again a little later.
  /// Clients accepted and dropped for lack of one are counted for `worker`.
  Backlog accept(std::size_t& limit, std::size_t worker, SpareFd& spare,
                 const std::function<void(Accepted)>& on_accepted);
  /// Clients may wait of whom no event has told yet.
  void look_again() noexcept;
  /// No more clients.
  void close() noexcept;

  bool in_ready_queue = false;

 private:
  struct Acceptor final : net::EventHandler {
    void on_events(std::uint32_t events) override;

    Listener* listener = nullptr;
    net::Fd fd;
    bool ready = false;
  };

  Backlog accept_from(Acceptor& acceptor, std::size_t& limit, std::size_t worker, SpareFd& spare,
                      const std::function<void(Accepted)>& on_accepted);

  ListenerSpec spec_;
  OnReady on_ready_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
};

/// Opens the sockets of a listener for `workers` workers, listening, one set each: all or none. `ours` are the
/// addresses that the same plane listens on already: one of them may be the wildcard of another. The error names the
/// listener, the address and the cause.
Result<std::vector<std::vector<net::Fd>>> open_sockets(const ListenerSpec& spec, std::size_t workers,
                                                       std::span<const Endpoint> ours);

}  // namespace tandem::lb::relay
