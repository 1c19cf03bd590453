#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "lb/relay/carrier.hpp"
#include "lb/relay/command.hpp"
#include "lb/relay/crew.hpp"
#include "lb/relay/listener.hpp"
#include "net/reactor.hpp"
#include "net/timer_wheel.hpp"

namespace tandem::lb::relay {

/// One thread of the plane: its reactor, its share of every listener, its sessions. A turn of its loop obeys commands,
/// then handles events, then timers, then new clients.
class Worker {
 public:
  Worker(Crew& crew, WorkerId id);
  /// The thread must have been stopped by a command, and joined.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  void join();

 private:
  static constexpr std::size_t kAcceptsPerTurn = 64;

  void run();
  void turn();
  [[nodiscard]] Duration patience() const;
  void accept_clients();
  Listener::Backlog accept_from(Listener& listener, std::size_t& limit);
  void place(Accepted accepted, const Listener& listener);
  void begin_session(Accepted accepted, const ListenerSpec& spec);
  void count_overflows();

  void obey(OpenListener& command);
  void obey(UpdateListener& command);
  void obey(CloseListener& command);
  void obey(Adopt& command);
  void obey(HandOver& command);
  void obey(Serve& command);
  void obey(Stop& command);

  Crew& crew_;
  const WorkerId id_;
  Instant now_;
  net::Reactor reactor_;
  net::TimerWheel timers_;
  Carrier carrier_;
  SpareFd spare_;
  std::unordered_map<ListenerId, std::shared_ptr<Listener>> listeners_;
  std::vector<std::shared_ptr<Listener>> closed_;  // an event for them may be under way in this turn
  std::vector<Listener*> ready_;                   // have clients that wait
  std::vector<Listener*> accepting_;
  std::optional<Instant> accept_again_;  // no file descriptors until then
  std::vector<Command> commands_;
  std::uint64_t overflows_seen_ = 0;
  bool running_ = true;
  std::thread thread_;
};

}  // namespace tandem::lb::relay
