#include "peer/switchboard.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>
#include <variant>

#include "base/check.hpp"
#include "base/text.hpp"
#include "net/socket.hpp"
#include "net/socket_address.hpp"

namespace tandem::peer {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The session's pings notice silence first; this ends what the kernel would keep trying.
constexpr net::Keepalive kKeepalive{.idle = seconds{1}, .interval = seconds{1}, .count = 2};
/// Little enough of the views lies encrypted in front of an urgent message.
constexpr std::size_t kViewBytesMax = std::size_t{16} * 1024;
constexpr int kUnsentBytesMax = 32 * 1024;
constexpr int kViewsPerTurn = 16;
constexpr Duration kGoodbyePatience = milliseconds{100};
constexpr Duration kDoorRest = milliseconds{100};
/// A stranger who fails in ever new ways fills no log.
constexpr Duration kTroubleRest = seconds{1};

Instant clock() { return std::chrono::steady_clock::now(); }

void prepare(const net::Fd& socket) {
  net::set_nodelay(socket, true);
  net::set_keepalive(socket, kKeepalive);
  // without it urgent messages queue behind more of the views; nothing else depends on it
  static_cast<void>(
      ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kUnsentBytesMax, sizeof kUnsentBytesMax));
}

}  // namespace

Switchboard::Switchboard(Endpoint peer, net::Fd listener, std::shared_ptr<const TlsContext> context, Hello self,
                         LinkHooks hooks, Log log, Exchange& exchange)
    : peer_(peer),
      listener_(std::move(listener)),
      context_(std::move(context)),
      node_(self.node),
      hooks_(std::move(hooks)),
      log_(std::move(log)),
      exchange_(exchange),
      session_(std::move(self), SessionOptions{}, random_number()) {
  check(reactor_.add(listener_, doorbell_) && reactor_.add(exchange_.wakeup.fd(), exchange_.wakeup),
        "epoll takes the link's own sockets");
}

void Switchboard::run() {
  Instant now = clock();
  carry_out(session_.on_start(now), now);
  while (!exchange_.stop.load(std::memory_order_acquire)) {  // pairs with the store of ~Link
    const Instant next = door_again_ ? std::min(session_.next_deadline(), *door_again_) : session_.next_deadline();
    const auto events = reactor_.wait(more_ ? Duration{0} : next - now);
    for (const epoll_event& event : events) {
      net::Reactor::dispatch(event);
    }
    now = clock();
    turn(now);
    hung_up_.clear();
  }
  stop(now);
}

void Switchboard::turn(Instant now) {
  more_ = false;
  send_urgent(now);
  if (doorbell_.rung || (door_again_ && now >= *door_again_)) {
    answer_door(now);
  }
  std::vector<ConnectionId> ids;
  ids.reserve(lines_.size());
  for (const auto& line : lines_) {
    ids.push_back(line.first);
  }
  for (const ConnectionId id : ids) {
    serve(id, now);
  }
  // after the reading: who was late himself must not take that for the peer's silence
  carry_out(session_.on_deadline(now), now);
  send_views(now);
  for (auto& line : lines_) {
    line.second.connection->flush();
  }
  if (round_trip_ != session_.round_trip()) {
    round_trip_ = session_.round_trip();
    exchange_.shown.with([&](Exchange::Shown& shown) { shown.status.round_trip = round_trip_; });
  }
}

Connection* Switchboard::link() {
  const auto id = session_.link();
  const auto found = id ? lines_.find(*id) : lines_.end();
  return found == lines_.end() ? nullptr : found->second.connection.get();
}

void Switchboard::send_urgent(Instant now) {
  while (const auto urgent = exchange_.urgent.take()) {
    if (const auto id = session_.link()) {
      std::visit([&](const auto& message) { carry_out(Send{*id, message}, now); }, *urgent);
    }
  }
  if (Connection* connection = link()) {
    connection->flush();
  }
}

void Switchboard::send_views(Instant now) {
  for (int sent = 0; sent < kViewsPerTurn; ++sent) {
    Connection* connection = link();
    if (connection == nullptr || !connection->is_drained()) {
      return;  // its socket will tell
    }
    View view = exchange_.views.with([now](ViewQueue& queue) { return queue.take(kViewBytesMax, now); });
    if (view.backends.empty() && view.overrides.empty()) {
      return;
    }
    carry_out(Send{*session_.link(), std::move(view)}, now);
    connection->flush();
    send_urgent(now);
  }
  more_ = true;
}

void Switchboard::answer_door(Instant now) {
  doorbell_.rung = false;
  door_again_.reset();
  for (;;) {
    net::SocketAddress address;
    net::Fd socket(::accept4(listener_.get(), address.get(), &address.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EINTR || errno == ECONNABORTED) {
        continue;
      }
      if (errno != EAGAIN) {
        door_again_ = now + kDoorRest;  // no file descriptor left, perhaps
      }
      return;
    }
    const Endpoint other = address.endpoint().value_or(Endpoint{});
    auto [id, actions] = session_.on_accepted(other.address == peer_.address ? Source::peer : Source::stranger, now);
    carry_out(actions, now);
    if (!id) {
      continue;
    }
    prepare(socket);
    auto connection = std::make_unique<Connection>(std::move(socket), context_, TlsRole::server);
    const bool added = reactor_.add(connection->socket(), *connection);
    lines_[*id] = Line{std::move(connection), Origin::accepted, other};
    if (!added) {
      hang_up(*id, {Connection::Trouble::ended, std::generic_category().message(errno)}, now);
    }
  }
}

void Switchboard::serve(ConnectionId id, Instant now) {
  auto line = lines_.find(id);
  if (line == lines_.end()) {
    return;
  }
  Connection& connection = *line->second.connection;  // lives to the end of the turn
  more_ = connection.advance() || more_;
  if (connection.take_established()) {
    carry_out(session_.on_connected(id, now), now);
  }
  if (connection.take_heard()) {
    session_.on_bytes(id, now);
  }
  while (lines_.contains(id)) {
    auto message = connection.next_message();
    if (!message) {
      if (connection.end()) {
        hang_up(id, *connection.end(), now);
      }
      break;
    }
    if (session_.link() == id) {
      exchange_.shown.with([](Exchange::Shown& shown) { ++shown.status.messages_received; });
    }
    carry_out(session_.on_message(id, std::move(*message), now), now);
  }
}

void Switchboard::hang_up(ConnectionId id, const Connection::End& end, Instant now) {
  auto node = lines_.extract(id);
  Line& line = node.mapped();
  if (session_.link() != id) {
    note_trouble(line, end.trouble, end.reason, now);
  }
  carry_out(session_.on_closed(id, end.reason, now), now);
  line.connection->close(Duration{0});
  hung_up_.push_back(std::move(line.connection));
}

void Switchboard::carry_out(const Actions& actions, Instant now) {
  for (const Action& action : actions) {
    std::visit([&](const auto& one) { carry_out(one, now); }, action);
  }
}

void Switchboard::carry_out(const Call& action, Instant now) {
  net::Fd socket = net::open_tcp(peer_.address);
  const net::SocketAddress address(peer_);
  int error = socket ? 0 : errno;
  if (error == 0) {
    prepare(socket);
    if (::connect(socket.get(), address.get(), address.length) != 0 && errno != EINPROGRESS) {
      error = errno;
    }
  }
  auto connection = std::make_unique<Connection>(std::move(socket), context_, TlsRole::client);
  if (error == 0 && !reactor_.add(connection->socket(), *connection)) {
    error = errno;
  }
  lines_[action.connection] = Line{std::move(connection), Origin::called, peer_};
  if (error != 0) {
    hang_up(action.connection, {Connection::Trouble::unreachable, std::generic_category().message(error)}, now);
  }
}

void Switchboard::carry_out(const Send& action, Instant /*now*/) {
  const auto line = lines_.find(action.connection);
  if (line == lines_.end()) {
    return;
  }
  line->second.connection->send(action.message);
  if (session_.link() == action.connection) {
    exchange_.shown.with([](Exchange::Shown& shown) { ++shown.status.messages_sent; });
  }
}

void Switchboard::carry_out(const Close& action, Instant now) {
  auto node = lines_.extract(action.connection);
  if (node.empty()) {
    return;
  }
  Line& line = node.mapped();
  if (!action.refusal.empty()) {
    note_trouble(line, Connection::Trouble::refused, action.refusal, now);
  }
  line.connection->close(Duration{0});
  hung_up_.push_back(std::move(line.connection));
}

void Switchboard::carry_out(const Up& action, Instant now) {
  const Line& line = lines_.at(action.connection);
  const Hello& peer = session_.peer();
  exchange_.shown.with([&](Exchange::Shown& shown) {
    shown.status.up = true;
    shown.status.peer_node = peer.node;
    shown.status.peer_version = peer.version;
    shown.status.protocol = session_.protocol();
    shown.status.reason.clear();
    ++shown.status.connects;
    shown.since = now;
  });
  trouble_calling_.clear();
  trouble_accepting_.clear();
  log_.info("peer_up", {{"peer", peer.node},
                        {"address", to_string(line.other)},
                        {"by", line.origin == Origin::called ? "our call" : "its call"},
                        {"version", peer.version},
                        {"protocol", session_.protocol()}});
  if (peer.node == node_ && !said_same_name_) {
    log_.warning("peer_same_name", {{"peer", peer.node}, {"reason", "both nodes have this name; set [node] name"}});
    said_same_name_ = true;
  }
  exchange_.views.with([](ViewQueue& queue) { queue.clear(); });
  exchange_.up.store(true, std::memory_order_release);  // from now on share() queues, which the whole view respects
  if (hooks_.on_up) {
    hooks_.on_up();
  }
  if (hooks_.full_view) {
    View whole = hooks_.full_view();
    exchange_.views.with([&](ViewQueue& queue) { queue.add_whole(std::move(whole), now); });
  }
}

void Switchboard::carry_out(const Down& action, Instant now) {
  exchange_.up.store(false, std::memory_order_release);
  const std::string peer = exchange_.shown.with([&](Exchange::Shown& shown) {
    shown.status.up = false;
    shown.status.reason = action.reason;
    shown.status.losses += action.ending == Ending::lost ? 1 : 0;
    shown.since = now;
    return shown.status.peer_node;
  });
  const auto& hook = action.ending == Ending::lost ? hooks_.on_lost : hooks_.on_goodbye;
  if (hook) {
    hook();
  }
  exchange_.views.with([](ViewQueue& queue) { queue.clear(); });
  log_.write(action.ending == Ending::lost ? LogLevel::warning : LogLevel::info, "peer_down",
             {{"peer", peer}, {"reason", action.reason}, {"lasted", rounded(action.lasted)}});
}

void Switchboard::carry_out(const Deliver& action, Instant /*now*/) {
  if (const auto* leaving = std::get_if<Leaving>(&action.message)) {
    if (hooks_.on_leaving) {
      hooks_.on_leaving(leaving->router);
    }
  } else if (const auto* active = std::get_if<Active>(&action.message)) {
    if (hooks_.on_active) {
      hooks_.on_active(active->router);
    }
  } else if (const auto* view = std::get_if<View>(&action.message)) {
    if (hooks_.on_view) {
      hooks_.on_view(*view);
    }
  }
}

void Switchboard::note_trouble(const Line& line, Connection::Trouble trouble, const std::string& reason, Instant now) {
  const bool called = line.origin == Origin::called;
  if (!called && trouble != Connection::Trouble::refused) {
    return;  // whoever hangs up at our door has done nothing
  }
  if (!session_.link() && (called || line.other.address == peer_.address)) {
    exchange_.shown.with([&](Exchange::Shown& shown) { shown.status.reason = reason; });
  }
  std::string& last = called ? trouble_calling_ : trouble_accepting_;
  if (last == reason || (!called && !last.empty() && now - trouble_at_ < kTroubleRest)) {
    return;
  }
  last = reason;
  trouble_at_ = called ? trouble_at_ : now;
  log_.warning(trouble == Connection::Trouble::refused ? "peer_refused" : "peer_unreachable",
               {{"address", to_string(line.other)}, {"by", called ? "our call" : "its call"}, {"reason", reason}});
}

void Switchboard::stop(Instant now) {
  send_urgent(now);
  const Instant until = now + kGoodbyePatience;
  std::vector<std::unique_ptr<Connection>> last;
  for (const Action& action : session_.on_stop()) {
    const auto* goodbye = std::get_if<Send>(&action);
    auto line = goodbye == nullptr ? decltype(lines_)::node_type() : lines_.extract(goodbye->connection);
    if (!line.empty()) {
      last.push_back(std::move(line.mapped().connection));
      last.back()->send(goodbye->message);
      last.back()->flush();
    }
  }
  lines_.clear();
  for (const auto& connection : last) {
    connection->close(std::max(until - clock(), Duration{0}));
  }
}

}  // namespace tandem::peer
