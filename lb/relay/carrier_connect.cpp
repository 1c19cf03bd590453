#include <sys/epoll.h>

#include <algorithm>

#include "lb/relay/carrier.hpp"
#include "lb/relay/connector.hpp"
#include "net/socket.hpp"

namespace tandem::lb::relay {

namespace {

using namespace std::chrono_literals;

/// A write pool's clients go back on hold when its backend fails a connect; nobody of them tries again before this.
constexpr Duration kRestAfterFailure = 250ms;

}  // namespace

Carrier::Attempt Carrier::connect(Session& session, const Selection& selection) {
  const Candidate& candidate = *selection.candidate;
  const PoolView& pool = *selection.pool;
  session.choice =
      Choice{candidate.backend, pool.state, pool.options, pool.id, pool.generation, ++last_serial_, candidate.role};
  session.tried[session.attempts % session.tried.size()] = candidate.backend->id;
  ++session.attempts;
  session.state.enter(Phase::connecting);
  session.connect_began = now_;
  pool.state->connecting.fetch_add(1, std::memory_order_relaxed);

  BegunConnect begun = begin_connect(candidate.backend->address, session.listener->options());
  if (begun.failure) {
    return fail_connect(session, *begun.failure);
  }
  session.backend.channel = Channel{};
  session.backend.channel.fd = std::move(begun.fd);
  if (!reactor_.add(session.backend.channel.fd, session.backend)) {
    return fail_connect(session, ConnectFailure::local);
  }
  if (begun.complete) {
    establish(session);
    return Attempt::under_way;
  }
  timers_.arm(session.timer, now_ + pool.options->connect_timeout);
  return Attempt::under_way;
}

void Carrier::on_connect_event(Session& session) {
  Channel& channel = session.backend.channel;
  const FinishedConnect finished = finish_connect(channel.fd, session.choice->backend->address);
  if (finished.failure) {
    if (fail_connect(session, *finished.failure) == Attempt::retry) {
      choose(session);
    }
    return;
  }
  if (finished.was_reset) {
    channel.on_events(EPOLLERR);
  }
  establish(session);
}

void Carrier::on_connect_timeout(Session& session) {
  if (fail_connect(session, ConnectFailure::timeout) == Attempt::retry) {
    choose(session);
  }
}

Carrier::Attempt Carrier::fail_connect(Session& session, ConnectFailure failure) {
  const Choice choice = *session.choice;
  net::TimerWheel::cancel(session.timer);
  session.backend.channel.fd.close();
  session.connect_took += now_ - session.connect_began;
  session.last_failure = failure;
  choice.backend->stats[number(worker_)].connect_failures[static_cast<std::size_t>(failure)].add();
  if (failure == ConnectFailure::local) {
    end(session, Cause::error, Close::reset);  // the trouble is ours, another backend would not help
    return Attempt::under_way;
  }
  if (crew_.on_connect_failed) {
    crew_.on_connect_failed(ConnectFailed{choice.backend->id, failure});
  }
  const bool holds = choice.pool_options->role == PoolRole::primary && choice.pool_options->hold > Duration{0};
  if (!holds && session.attempts >= choice.pool_options->connect_attempts) {
    end(session, cause_of(failure), Close::reset);
    return Attempt::under_way;
  }
  choice.pool_state->connecting.fetch_sub(1, std::memory_order_relaxed);
  session.state.enter(Phase::choosing);
  give_back_slot(session);
  if (!holds) {
    return Attempt::retry;
  }
  hold(session);
  room_.rest(session.entry_pool, now_ + kRestAfterFailure);
  return Attempt::under_way;
}

/// The backend was taken away before anything could be said to it.
void Carrier::abandon_connect(Session& session) {
  net::TimerWheel::cancel(session.timer);
  net::reset(session.backend.channel.fd);
  session.connect_took += now_ - session.connect_began;
  session.choice->pool_state->connecting.fetch_sub(1, std::memory_order_relaxed);
  session.state.enter(Phase::choosing);
  give_back_slot(session);
  displaced_.push_back(&session);
}

/// A write pool may have changed hands while the connect was under way.
bool Carrier::may_still_use(const Choice& choice) const {
  const PoolView* pool = selector_.snapshot().find(choice.pool);
  if (pool != nullptr && pool->generation == choice.generation) {
    return true;
  }
  return pool != nullptr && std::any_of(pool->candidates.begin(), pool->candidates.end(),
                                        [&](const Candidate& one) { return one.backend == choice.backend; });
}

void Carrier::establish(Session& session) {
  Choice& choice = *session.choice;
  if (!may_still_use(choice)) {
    abandon_connect(session);
    return;
  }
  net::TimerWheel::cancel(session.timer);
  choice.pool_state->connecting.fetch_sub(1, std::memory_order_relaxed);
  note_opening(choice.pool, choice.backend->id);  // held clients may follow
  session.connect_took += now_ - session.connect_began;
  session.established = now_;
  choice.backend->stats[number(worker_)].connections.add();
  PoolStats& stats = choice.pool_state->stats[number(worker_)];
  stats.connections.add();
  stats.connect_duration.observe(now_ - session.connect_began);

  session.state.enter(Phase::relaying);
  session.state.on_bytes(End::backend, now_);
  timers_.arm(session.timer, session.state.silence(session.listener->options()).deadline);
  send_proxy_header(session);
  relay(session);
}

void Carrier::send_proxy_header(Session& session) {
  const SendProxyProtocol version = session.listener->options().send_proxy_protocol;
  if (version == SendProxyProtocol::no) {
    return;
  }
  const ProxiedConnection connection =
      session.proxied ? *session.proxied
                      : ProxiedConnection{session.client_address,
                                          net::local_endpoint(session.client.channel.fd).value_or(Endpoint{})};
  session.to_backend.send_first(encode_proxy_header(version, connection).view(), session.backend.channel, buffers_);
}

}  // namespace tandem::lb::relay
