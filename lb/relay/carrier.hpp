#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "lb/outcome.hpp"
#include "lb/relay/buffer_pool.hpp"
#include "lb/relay/crew.hpp"
#include "lb/relay/listener.hpp"
#include "lb/relay/session.hpp"
#include "lb/relay/session_table.hpp"
#include "lb/relay/severing.hpp"
#include "lb/relay/waiting_room.hpp"
#include "lb/selector.hpp"
#include "net/reactor.hpp"
#include "net/timer_wheel.hpp"

namespace tandem::lb::relay {

/// Carries the sessions of one worker from the accepted client to the cause of their end. The steps of a session's
/// life have a file each: carrier.cpp begins and ends it, carrier_choose.cpp finds it a backend or lets it wait,
/// carrier_connect.cpp connects it, carrier_relay.cpp moves its bytes. One thread; the worker calls it in the order
/// in which the functions stand here, every turn.
class Carrier {
 public:
  Carrier(Crew& crew, WorkerId worker, net::Reactor& reactor, net::TimerWheel& timers, Instant now);

  void begin_turn(Instant now) noexcept { now_ = now; }

  // by command
  void adopt(std::shared_ptr<const Snapshot> snapshot, const std::vector<Sever>& severs,
             std::shared_ptr<Publication> publication);
  /// A client that is counted in the crew's load for this worker.
  void begin_session(Accepted accepted, const std::shared_ptr<Listener>& listener);
  /// The listener's options changed.
  void follow(const Listener& listener);
  void serve_later(PoolId entry) { to_serve_.push_back(entry); }
  void end_all(Cause cause);

  /// This turn's share of the severs, before any event.
  void sever_share();

  // by event
  void on_events(Session& session, End end, std::uint32_t events);
  void on_timer(Session& session);

  /// What was put off until all events of the turn are known.
  void end_turn();
  /// Must the next turn begin at once?
  [[nodiscard]] bool has_more() const noexcept;
  /// When the next turn must begin at the latest, but for the timers.
  [[nodiscard]] std::optional<Instant> next_deadline() const;

 private:
  enum class Close : std::uint8_t { fin, reset };
  enum class Attempt : std::uint8_t { under_way, retry };

  // carrier.cpp
  void read_header(Session& session);
  void start(Session& session);
  void reject(Session& session, Rejection rejection);
  void count_rejection(const Listener& listener, Rejection rejection);
  void end(Session& session, Cause cause, Close close);
  void report(Session& session, Cause cause);
  void dismiss(Session& session, Close close);
  void give_back_slot(Session& session);
  void sever(Session& session, const Sever& order);
  void forget_ended();

  // carrier_choose.cpp
  void choose(Session& session);
  void on_shortage(Session& session, Shortage shortage);
  void hold(Session& session);
  void queue(Session& session);
  [[nodiscard]] bool must_rest(const Session& session, const Backend& next) const;
  void rest(Session& session, const Selection& selection);
  void wait(Session& session, WaitKind kind, const std::shared_ptr<PoolState>& counted_in, Instant deadline);
  void stop_waiting(Session& session);
  void on_wait_event(Session& session);
  void on_wait_timeout(Session& session);
  [[nodiscard]] const PoolView* hold_pool(PoolId entry) const;
  [[nodiscard]] const PoolView* awaited_pool(PoolId entry) const;
  [[nodiscard]] std::span<const BackendId> tried(const Session& session) const;
  std::variant<Selection, Shortage> select(const Session& session, Spill spill);
  void note_opening(PoolId pool, BackendId backend);
  void announce_openings();
  void serve_lines();
  void serve(PoolId entry);

  // carrier_connect.cpp
  Attempt connect(Session& session, const Selection& selection);
  void on_connect_event(Session& session);
  void on_connect_timeout(Session& session);
  Attempt fail_connect(Session& session, ConnectFailure failure);
  void abandon_connect(Session& session);
  void establish(Session& session);
  [[nodiscard]] bool may_still_use(const Choice& choice) const;
  void send_proxy_header(Session& session);

  // carrier_relay.cpp
  void relay(Session& session);
  Progress run(Session& session, End from);
  bool follow_progress(Session& session, End from, Progress progress);
  void pass_reset(Session& session, End dead);
  void on_flush_event(Session& session);
  void on_silence(Session& session);

  [[nodiscard]] PoolStats* stats_of(const Session& session) const;

  /// A backend's slot that somebody may be waiting for.
  struct Opening {
    PoolId pool{};
    BackendId backend{};
  };

  Crew& crew_;
  const WorkerId worker_;
  net::Reactor& reactor_;
  net::TimerWheel& timers_;
  Instant now_;
  Random random_;
  Selector selector_;
  SessionTable sessions_;
  WaitingRoom room_;
  Severing severing_;
  BufferPool buffers_;
  std::unique_ptr<Buffer> scratch_;
  std::uint64_t last_serial_ = 0;
  std::uint64_t ended_ = 0;
  Instant next_patrol_;
  std::vector<Session*> ready_;      // had their share of bytes and have more
  std::vector<Session*> displaced_;  // lost their backend while connecting to it
  std::vector<Session*> turn_;       // the one of both that is worked on
  std::vector<Opening> openings_;
  std::vector<PoolId> to_serve_;
  std::vector<PoolId> serving_;
};

}  // namespace tandem::lb::relay
