#include <sys/socket.h>

#include <algorithm>

#include "lb/relay/carrier.hpp"
#include "net/socket.hpp"

namespace tandem::lb::relay {

namespace {

using namespace std::chrono_literals;

/// When it is first asked whether the living end has everything that came before the reset; later and later then.
constexpr Duration kFirstLook = 10ms;

}  // namespace

/// Moves what there is both ways; the whole cost of a session that is established.
void Carrier::relay(Session& session) {
  const Progress up = run(session, End::client);
  const Progress down = run(session, End::backend);
  if (!follow_progress(session, End::client, up) || !follow_progress(session, End::backend, down)) {
    return;
  }
  // the client died while taking bytes; what it sent before may not have been read
  if (up == Progress::waiting && session.client.channel.broken &&
      !follow_progress(session, End::client, run(session, End::client))) {
    return;
  }
  const bool client_dead = session.client.channel.broken;
  if ((client_dead || session.backend.channel.broken) && !session.state.dying()) {
    session.state.on_dying(client_dead ? End::client : End::backend);
    timers_.arm(session.timer, std::max(now_, session.state.silence(session.listener->options()).deadline));
  }
}

Progress Carrier::run(Session& session, End from) {
  Transfer& transfer = session.transfer(from);
  const std::uint64_t received = transfer.received();
  const std::uint64_t sent = transfer.sent();
  const Progress progress =
      transfer.run(session.side(from).channel, session.side(other(from)).channel, *scratch_, buffers_);
  const std::uint64_t newly_received = transfer.received() - received;
  const std::uint64_t newly_sent = transfer.sent() - sent;
  if (newly_received != 0 || newly_sent != 0) {
    session.state.on_bytes(from, now_);
    ListenerStats& stats = session.listener->state().stats[number(worker_)];
    if (from == End::client) {
      stats.bytes_received.add(newly_received);
    } else {
      stats.bytes_sent.add(newly_sent);
    }
  }
  return progress;
}

/// False: the session is over, or about to be.
bool Carrier::follow_progress(Session& session, End from, Progress progress) {
  switch (progress) {
    case Progress::waiting: return true;
    case Progress::more:
      if (!session.in_ready_queue) {
        session.in_ready_queue = true;
        ready_.push_back(&session);
      }
      return true;
    case Progress::reset: pass_reset(session, from); return false;
    case Progress::finished: break;
  }
  switch (session.state.on_fin(from)) {
    case Step::pass_fin:
      ::shutdown(session.side(other(from)).channel.fd.get(), SHUT_WR);
      session.state.on_bytes(from, now_);  // the silence begins now
      timers_.arm(session.timer, session.state.silence(session.listener->options()).deadline);
      return true;
    case Step::close: end(session, *session.state.cause(), Close::fin); return false;
    case Step::none:
    case Step::reset: return true;
  }
  return true;
}

/// A reset throws away what the kernel has not delivered yet, so it waits for that.
void Carrier::pass_reset(Session& session, End dead) {
  static_cast<void>(session.state.on_reset(dead));
  Channel& alive = session.side(other(dead)).channel;
  if (alive.broken || net::unacknowledged(alive.fd) == 0) {
    end(session, *session.state.cause(), Close::reset);
    return;
  }
  session.side(dead).channel.fd.close();
  session.state.enter(Phase::flushing);
  session.flush_began = now_;
  timers_.arm(session.timer, now_ + kFirstLook);
}

void Carrier::on_flush_event(Session& session) {
  const Side& alive = session.client.channel.fd ? session.client : session.backend;
  const Duration flushed_for = now_ - session.flush_began;
  const bool long_enough = flushed_for >= session.listener->options().half_close_timeout;
  if (alive.channel.broken || long_enough || net::unacknowledged(alive.channel.fd) == 0) {
    end(session, *session.state.cause(), Close::reset);
    return;
  }
  timers_.arm(session.timer, now_ + std::max(kFirstLook, flushed_for / 2));
}

/// The deadline is not moved with every byte; when it comes, it is looked at what it should be.
void Carrier::on_silence(Session& session) {
  const Silence silence = session.state.silence(session.listener->options());
  if (now_ < silence.deadline) {
    timers_.arm(session.timer, silence.deadline);
    return;
  }
  const bool all_delivered = !session.to_backend.holds_bytes() && !session.to_client.holds_bytes();
  end(session, silence.cause, silence.step == Step::close && all_delivered ? Close::fin : Close::reset);
}

}  // namespace tandem::lb::relay
