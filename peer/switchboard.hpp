#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "net/fd.hpp"
#include "net/reactor.hpp"
#include "net/wakeup.hpp"
#include "peer/connection.hpp"
#include "peer/link.hpp"
#include "peer/options.hpp"
#include "peer/session.hpp"
#include "peer/tls.hpp"
#include "peer/urgent_queue.hpp"
#include "peer/view_queue.hpp"

namespace tandem::peer {

/// What other threads see and give.
struct Exchange {
  struct Shown {
    LinkStatus status;
    Instant since;
  };

  UrgentQueue urgent;
  Guarded<ViewQueue> views;
  Guarded<Shown> shown;
  std::atomic<bool> up{false};
  std::atomic<bool> stop{false};
  net::Wakeup wakeup;
};

/// The link's thread: carries out what the session decides, with sockets and the clock.
class Switchboard {
 public:
  Switchboard(Endpoint peer, net::Fd listener, std::shared_ptr<const TlsContext> context, Hello self, LinkHooks hooks,
              Log log, Exchange& exchange);
  /// Until the exchange says stop; then goodbye.
  void run();

 private:
  struct Doorbell final : net::EventHandler {
    bool rung = false;
    void on_events(std::uint32_t) override { rung = true; }
  };
  struct Line {
    std::unique_ptr<Connection> connection;
    Origin origin = Origin::called;
    Endpoint other;
  };

  void turn(Instant now);
  void carry_out(const Actions& actions, Instant now);
  void carry_out(const Call& action, Instant now);
  void carry_out(const Send& action, Instant now);
  void carry_out(const Close& action, Instant now);
  void carry_out(const Up& action, Instant now);
  void carry_out(const Down& action, Instant now);
  void carry_out(const Deliver& action, Instant now);
  void answer_door(Instant now);
  void serve(ConnectionId id, Instant now);
  void hang_up(ConnectionId id, const Connection::End& end, Instant now);
  void send_urgent(Instant now);
  void send_views(Instant now);
  void note_trouble(const Line& line, Connection::Trouble trouble, const std::string& reason, Instant now);
  void stop(Instant now);
  [[nodiscard]] Connection* link();

  const Endpoint peer_;
  const net::Fd listener_;
  const std::shared_ptr<const TlsContext> context_;
  const std::string node_;
  const LinkHooks hooks_;
  const Log log_;
  Exchange& exchange_;
  Session session_;
  net::Reactor reactor_;
  Doorbell doorbell_;
  std::map<ConnectionId, Line> lines_;
  std::vector<std::unique_ptr<Connection>> hung_up_;  // until the turn is over
  std::optional<Instant> door_again_;                 // accept() found no file descriptor left
  bool more_ = false;                                 // to do, at once
  std::string trouble_calling_;                       // what was logged last, once each
  std::string trouble_accepting_;
  Instant trouble_at_;
  std::optional<Duration> round_trip_;  // as shown
  bool said_same_name_ = false;
};

}  // namespace tandem::peer
