#include "lb/relay/carrier.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "lb/relay/admission.hpp"
#include "lb/relay/session_log.hpp"
#include "net/socket.hpp"

namespace tandem::lb::relay {

void Side::on_events(std::uint32_t events) { session->carrier->on_events(*session, end, events); }

void Session::on_timer() { carrier->on_timer(*this); }

Carrier::Carrier(Crew& crew, WorkerId worker, net::Reactor& reactor, net::TimerWheel& timers, Instant now)
    : crew_(crew),
      worker_(worker),
      reactor_(reactor),
      timers_(timers),
      now_(now),
      random_(mix(crew.options.seed) + number(worker)),
      selector_(number(worker)),
      room_(crew.board, worker),
      scratch_(std::make_unique<Buffer>()),
      next_patrol_(now) {}

void Carrier::begin_session(Accepted accepted, const std::shared_ptr<Listener>& listener) {
  const ListenerOptions& options = listener->options();
  std::optional<Rejection> rejection = judge_peer(options, accepted.peer.address);
  if (!rejection) {
    // relaxed: a limit guards no other memory
    const std::uint32_t active = listener->state().active.fetch_add(1, std::memory_order_relaxed) + 1;
    if (options.max_connections != 0 && active > options.max_connections) {
      listener->state().active.fetch_sub(1, std::memory_order_relaxed);
      rejection = Rejection::limit;
    }
  }
  if (rejection) {
    count_rejection(*listener, *rejection);
    net::reset(accepted.fd);
    crew_.load[number(worker_)].fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  Session& session = sessions_.create();
  session.carrier = this;
  session.listener = listener;
  session.entry_pool = listener->spec().pool;
  session.client_address = accepted.peer;
  session.arrived = now_;
  session.client.channel.fd = std::move(accepted.fd);
  crew_.stats[number(worker_)].sessions.add(1);
  if (!reactor_.add(session.client.channel.fd, session.client)) {
    reject(session, Rejection::no_fd);
    return;
  }
  if (options.accept_proxy_protocol) {
    session.state.enter(Phase::header);
    timers_.arm(session.timer, now_ + std::min(options.header_timeout, options.idle_timeout));
    return;
  }
  start(session);
}

void Carrier::start(Session& session) {
  session.listener->state().stats[number(worker_)].connections.add();
  choose(session);
}

void Carrier::read_header(Session& session) {
  const net::Fd& fd = session.client.channel.fd;
  const ssize_t count = ::recv(fd.get(), scratch_->data(), kProxyHeaderMax, MSG_PEEK);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  const Bytes begin = Bytes(*scratch_).first(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  const auto parsed = parse_proxy_header(begin);
  const auto* header = std::get_if<ProxyHeader>(&parsed);
  if (header == nullptr) {
    const bool hopeless = count <= 0 || session.client.channel.hung_up;
    if (hopeless || std::get<ProxyHeaderState>(parsed) == ProxyHeaderState::malformed) {
      reject(session, Rejection::proxy_header);
    }
    return;
  }
  if (::recv(fd.get(), scratch_->data(), header->length, 0) != static_cast<ssize_t>(header->length)) {
    reject(session, Rejection::proxy_header);
    return;
  }
  session.proxied = header->connection;
  if (header->connection) {
    session.client_address = header->connection->source;
  }
  if (!admits(session.listener->options(), session.client_address.address)) {
    reject(session, Rejection::denied);
    return;
  }
  net::TimerWheel::cancel(session.timer);
  session.state.enter(Phase::choosing);
  start(session);
}

void Carrier::count_rejection(const Listener& listener, Rejection rejection) {
  listener.state().stats[number(worker_)].rejected[static_cast<std::size_t>(rejection)].add();
}

void Carrier::reject(Session& session, Rejection rejection) {
  count_rejection(*session.listener, rejection);
  dismiss(session, Close::reset);
}

PoolStats* Carrier::stats_of(const Session& session) const {
  if (session.choice) {
    return &session.choice->pool_state->stats[number(worker_)];
  }
  const PoolView* entry = selector_.snapshot().find(session.entry_pool);
  return entry != nullptr ? &entry->state->stats[number(worker_)] : nullptr;
}

void Carrier::end(Session& session, Cause cause, Close close) {
  if (session.state.phase() == Phase::header) {
    reject(session, Rejection::proxy_header);  // it never was counted as a connection
    return;
  }
  session.state.set_cause(cause);
  report(session, *session.state.cause());
  dismiss(session, close);
}

void Carrier::report(Session& session, Cause cause) {
  if (session.state.phase() == Phase::waiting) {
    stop_waiting(session);  // so that the time it waited is known
  }
  if (PoolStats* stats = stats_of(session)) {
    stats->closed[static_cast<std::size_t>(cause)].add();
    if (session.established != Instant{}) {
      stats->session_duration.observe(now_ - session.established);
    }
  }
  const std::uint32_t one_in = crew_.log_one_in.load(std::memory_order_relaxed);  // relaxed: as good a moment late
  if (one_in != 0 && ended_++ % one_in == 0 && crew_.log.enabled(LogLevel::info)) {
    crew_.log.info("session", session_fields(session, cause, now_));
  }
}

void Carrier::dismiss(Session& session, Close close) {
  if (session.state.phase() == Phase::connecting) {
    session.choice->pool_state->connecting.fetch_sub(1, std::memory_order_relaxed);
  }
  session.state.enter(Phase::closed);
  net::TimerWheel::cancel(session.timer);
  give_back_slot(session);
  session.to_backend.drop(buffers_);
  session.to_client.drop(buffers_);
  for (const End end : {End::client, End::backend}) {
    net::Fd& fd = session.side(end).channel.fd;
    if (close == Close::reset) {
      net::reset(fd);
    }
    fd.close();
  }
  session.listener->state().active.fetch_sub(1, std::memory_order_relaxed);
  crew_.load[number(worker_)].fetch_sub(1, std::memory_order_relaxed);
  crew_.stats[number(worker_)].sessions.add(-1);
  sessions_.retire(session);
}

void Carrier::give_back_slot(Session& session) {
  if (session.choice) {
    Selector::release(*session.choice->backend, *session.choice->pool_state);
    note_opening(session.choice->pool, session.choice->backend->id);
    session.choice.reset();
  }
}

void Carrier::adopt(std::shared_ptr<const Snapshot> snapshot, const std::vector<Sever>& severs,
                    std::shared_ptr<Publication> publication) {
  selector_.adopt(std::move(snapshot));
  severing_.begin(severs, std::move(publication), last_serial_, sessions_, now_);
  room_.end_rests();
  to_serve_.insert(to_serve_.end(), room_.entries().begin(), room_.entries().end());
}

void Carrier::sever_share() {
  severing_.run(sessions_, now_, [this](Session& session, const Sever& order) { sever(session, order); });
}

void Carrier::sever(Session& session, const Sever& order) {
  const bool aims_at_backend = order.pool || order.backend;
  if (session.state.phase() == Phase::connecting && aims_at_backend) {
    abandon_connect(session);  // no byte has passed: it may have another backend, or wait for one
    return;
  }
  end(session, order.cause, Close::reset);
}

void Carrier::follow(const Listener& listener) {
  sessions_.for_each([&](Session& session) {
    if (session.listener.get() == &listener && session.state.phase() == Phase::relaying) {
      timers_.arm(session.timer, std::max(now_, session.state.silence(listener.options()).deadline));
    }
  });
}

void Carrier::end_all(Cause cause) {
  sessions_.for_each([&](Session& session) { end(session, cause, Close::reset); });
  forget_ended();
}

void Carrier::on_events(Session& session, End end_of_event, std::uint32_t events) {
  if (session.state.phase() == Phase::closed) {
    return;
  }
  if (const Sever* order = severing_.order_for(session)) {
    sever(session, *order);
    return;
  }
  session.side(end_of_event).channel.on_events(events);
  switch (session.state.phase()) {
    case Phase::relaying: relay(session); return;
    case Phase::connecting:
      if (end_of_event == End::backend) {
        on_connect_event(session);
      } else if (session.client.channel.broken) {
        end(session, Cause::client_reset, Close::reset);
      }
      return;
    case Phase::header:
      if (session.client.channel.readable) {
        read_header(session);
      }
      return;
    case Phase::waiting: on_wait_event(session); return;
    case Phase::flushing: on_flush_event(session); return;
    case Phase::choosing:
    case Phase::closed: return;
  }
}

void Carrier::on_timer(Session& session) {
  switch (session.state.phase()) {
    case Phase::header: reject(session, Rejection::proxy_header); return;
    case Phase::waiting: on_wait_timeout(session); return;
    case Phase::connecting: on_connect_timeout(session); return;
    case Phase::relaying: on_silence(session); return;
    case Phase::flushing: on_flush_event(session); return;
    case Phase::choosing:
    case Phase::closed: return;
  }
}

void Carrier::end_turn() {
  turn_.swap(ready_);
  for (Session* session : turn_) {
    session->in_ready_queue = false;
    if (session->state.phase() == Phase::relaying && severing_.order_for(*session) == nullptr) {
      relay(*session);
    }
  }
  turn_.clear();
  turn_.swap(displaced_);
  for (Session* session : turn_) {
    if (session->state.phase() == Phase::choosing) {
      choose(*session);
    }
  }
  turn_.clear();
  announce_openings();
  serve_lines();
  forget_ended();
}

void Carrier::forget_ended() {
  if (!sessions_.any_retired()) {
    return;
  }
  const auto ended = [](const Session* session) { return session->state.phase() == Phase::closed; };
  std::erase_if(ready_, ended);
  std::erase_if(displaced_, ended);
  sessions_.sweep();
}

bool Carrier::has_more() const noexcept {
  return !ready_.empty() || !displaced_.empty() || !openings_.empty() || !to_serve_.empty() || severing_.pressing();
}

std::optional<Instant> Carrier::next_deadline() const {
  std::optional<Instant> next = severing_.next_deadline();
  if (!room_.empty()) {
    next = next ? std::min(*next, next_patrol_) : next_patrol_;
  }
  return next;
}

}  // namespace tandem::lb::relay
