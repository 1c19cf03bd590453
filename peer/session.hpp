#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "peer/codec.hpp"
#include "peer/message.hpp"

namespace tandem::peer {

struct SessionOptions {
  Duration ping_interval = std::chrono::milliseconds{500};
  Duration silence = std::chrono::seconds{2};          // nothing heard for so long: it is gone
  Duration greeting = std::chrono::seconds{3};         // from the first packet to the end of the hellos
  Duration rest_min = std::chrono::milliseconds{100};  // between two calls; doubles
  Duration rest_max = std::chrono::seconds{2};
  std::size_t unproven_max = 8;  // connections besides the one that is the link
};

enum class ConnectionId : std::uint32_t {};
enum class Origin { called, accepted };
/// Whose address an accepted connection comes from; the peer may have several, so that strangers are heard too.
enum class Source { peer, stranger };
/// How the link came to its end.
enum class Ending { lost, goodbye };

// What the session wants done, in this order. A connection that it closed is not mentioned to it again.

/// Open a connection to the peer; then on_connected() or on_closed().
struct Call {
  ConnectionId connection{};
};
struct Send {
  ConnectionId connection{};
  Message message;
};
/// `refusal` says what the other end did wrong; empty: the connection is not needed.
struct Close {
  ConnectionId connection{};
  std::string refusal;
};
/// The link stands, on this connection.
struct Up {
  ConnectionId connection{};
};
struct Down {
  Ending ending = Ending::lost;
  std::string reason;
  Duration lasted{0};
};
/// For the node.
struct Deliver {
  Message message;
};
using Action = std::variant<Call, Send, Close, Up, Down, Deliver>;
using Actions = std::vector<Action>;

/// What one node does about its link to the other: calls, hellos, which connection of several is kept, pings, silence,
/// when to call again. Both nodes listen and call. Of what comes together the node with the higher `run` chooses one
/// connection and says so on it, so that both keep the same; the other node drops what is left over. Reads no clock and
/// opens no socket: the caller passes the time in and carries the actions out.
class Session {
 public:
  Session(Hello self, SessionOptions options, std::uint64_t seed);

  [[nodiscard]] Actions on_start(Instant now);
  /// Somebody called. Nothing: there are too many already, close it.
  [[nodiscard]] std::pair<std::optional<ConnectionId>, Actions> on_accepted(Source source, Instant now);
  /// The other end has proved who it is.
  [[nodiscard]] Actions on_connected(ConnectionId connection, Instant now);
  [[nodiscard]] Actions on_message(ConnectionId connection, Message message, Instant now);
  /// Any bytes are a sign of life.
  void on_bytes(ConnectionId connection, Instant now);
  /// It has ended, or never came to be.
  [[nodiscard]] Actions on_closed(ConnectionId connection, std::string_view reason, Instant now);
  [[nodiscard]] Actions on_deadline(Instant now);
  /// The node ends.
  [[nodiscard]] Actions on_stop();
  [[nodiscard]] Instant next_deadline() const;

  /// The connection that is the link; none: it is down.
  [[nodiscard]] std::optional<ConnectionId> link() const { return link_; }
  /// What the peer last said of itself.
  [[nodiscard]] const Hello& peer() const { return peer_; }
  /// The protocol spoken with it.
  [[nodiscard]] std::uint16_t protocol() const { return std::min(self_.protocol, peer_.protocol); }
  [[nodiscard]] std::optional<Duration> round_trip() const { return round_trip_; }

 private:
  enum class Phase { opening, greeting, waiting, linked };
  struct Connection {
    ConnectionId id{};
    Origin origin = Origin::called;
    Source source = Source::peer;
    Phase phase = Phase::opening;
    Instant since;
    Hello peer;
  };

  [[nodiscard]] Connection* find(ConnectionId id);
  [[nodiscard]] bool is_chooser(const Connection& connection) const { return self_.run > connection.peer.run; }
  void drop(ConnectionId id);
  void refuse(ConnectionId id, std::string reason, Instant now, Actions& actions);
  void on_hello(Connection& connection, Hello hello, Instant now, Actions& actions);
  void on_chosen(Connection& connection, Instant now, Actions& actions);
  void on_goodbye(ConnectionId id, Instant now, Actions& actions);
  void on_link_message(Message message, Instant now, Actions& actions);
  void choose(Connection& connection, Instant now, Actions& actions);
  void become_link(ConnectionId id, Instant now, Actions& actions);
  /// The link is down; its connection is forgotten by the caller.
  void end_link(Ending ending, std::string_view reason, Instant now, Actions& actions);
  /// What is to be done without a link: a connection that waits becomes it, or a call is planned.
  void look_for_link(Instant now, Actions& actions);

  Hello self_;
  SessionOptions options_;
  Random random_;
  std::uint32_t ids_ = 0;
  std::vector<Connection> connections_;

  std::optional<ConnectionId> link_;
  Hello peer_;
  std::optional<std::uint64_t> gone_;  // the run that said goodbye: it does not come back
  Instant up_since_;
  Instant heard_;
  Instant ping_at_;
  Instant pinged_at_;
  std::uint64_t pings_ = 0;
  std::optional<Duration> round_trip_;

  std::optional<Instant> call_at_;
  Duration rest_;
};

}  // namespace tandem::peer
