#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "lb/relay/carrier.hpp"
#include "lb/relay/connector.hpp"

namespace tandem::lb::relay {

namespace {

using namespace std::chrono_literals;

/// Lines are tried again this often even when nobody called: a slot may have gone to a worker that had no use for it.
constexpr Duration kPatrolEvery = 250ms;

/// Before the same backend is tried again, unless its connect timeout is shorter: as long as HAProxy rests.
constexpr Duration kRestBeforeRetry = 1s;

/// Counts one more, unless that would be too many. 0: nobody is allowed.
bool count_up_to(std::atomic<std::uint32_t>& count, std::uint32_t limit) {
  // relaxed: a limit guards no other memory
  if (count.fetch_add(1, std::memory_order_relaxed) < limit) {
    return true;
  }
  count.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

}  // namespace

std::span<const BackendId> Carrier::tried(const Session& session) const {
  return std::span(session.tried).first(std::min<std::size_t>(session.attempts, session.tried.size()));
}

std::variant<Selection, Shortage> Carrier::select(const Session& session, Spill spill) {
  return selector_.select(session.entry_pool, Flow{session.client_address.address}, tried(session), random_, spill);
}

void Carrier::choose(Session& session) {
  if (session.attempts == 0 && room_.has_line(session.entry_pool)) {
    // others came first; it waits for what they wait for
    if (room_.tail(session.entry_pool)->wait.kind == WaitKind::held) {
      hold(session);
    } else {
      queue(session);
    }
    return;
  }
  for (;;) {
    const auto picked = select(session, Spill::no);
    if (const auto* shortage = std::get_if<Shortage>(&picked)) {
      on_shortage(session, *shortage);
      return;
    }
    const Selection& selection = std::get<Selection>(picked);
    if (must_rest(session, *selection.candidate->backend)) {
      rest(session, selection);
      return;
    }
    if (connect(session, selection) == Attempt::under_way) {
      return;
    }
  }
}

bool Carrier::must_rest(const Session& session, const Backend& next) const {
  const std::span<const BackendId> before = tried(session);
  return session.rested_after != session.attempts && std::find(before.begin(), before.end(), next.id) != before.end();
}

/// A backend that restarts refuses for a moment: attempts without a pause would all fall into it.
void Carrier::rest(Session& session, const Selection& selection) {
  const Duration pause = std::min(kRestBeforeRetry, selection.pool->options->connect_timeout);
  Selector::release(*selection.candidate->backend, *selection.pool->state);
  session.rested_after = session.attempts;
  session.state.enter(Phase::waiting);
  session.wait.kind = WaitKind::resting;
  session.wait.since = now_;
  timers_.arm(session.timer, now_ + pause);
  on_wait_event(session);  // it may have left already
}

void Carrier::on_shortage(Session& session, Shortage shortage) {
  if (shortage == Shortage::at_limit) {
    queue(session);
  } else {
    hold(session);
  }
}

/// The pool along the chain that `entry`'s clients are held for; null: they are refused.
const PoolView* Carrier::hold_pool(PoolId entry) const {
  const Snapshot& snapshot = selector_.snapshot();
  const PoolView* pool = snapshot.find(entry);
  for (std::size_t hops = 0; pool != nullptr && hops <= snapshot.pools.size(); ++hops) {
    if (pool->options->hold > Duration{0}) {
      return pool;
    }
    pool = pool->fallback ? snapshot.find(*pool->fallback) : nullptr;
  }
  return nullptr;
}

/// The pool along the chain whose slots `entry`'s clients wait for; null: there is nobody to wait for.
const PoolView* Carrier::awaited_pool(PoolId entry) const {
  const Snapshot& snapshot = selector_.snapshot();
  const PoolView* pool = snapshot.find(entry);
  for (std::size_t hops = 0; pool != nullptr && hops <= snapshot.pools.size(); ++hops) {
    if (!pool->candidates.empty()) {
      return pool;
    }
    pool = pool->fallback ? snapshot.find(*pool->fallback) : nullptr;
  }
  return nullptr;
}

void Carrier::hold(Session& session) {
  const PoolView* pool = hold_pool(session.entry_pool);
  if (pool == nullptr) {
    end(session, session.last_failure ? cause_of(*session.last_failure) : Cause::no_backend, Close::reset);
    return;
  }
  const Instant deadline = session.arrived + pool->options->hold;
  if (deadline <= now_) {
    end(session, Cause::hold_timeout, Close::reset);
    return;
  }
  if (!count_up_to(pool->state->held, pool->options->hold_max)) {
    end(session, Cause::limit, Close::reset);
    return;
  }
  wait(session, WaitKind::held, pool->state, deadline);
}

void Carrier::queue(Session& session) {
  const PoolView* pool = selector_.snapshot().find(session.entry_pool);
  if (pool == nullptr) {
    end(session, Cause::no_backend, Close::reset);
    return;
  }
  if (count_up_to(pool->state->queued, pool->options->queue_max)) {
    wait(session, WaitKind::queued, pool->state, now_ + pool->options->queue_timeout);
    return;
  }
  for (;;) {  // no room to wait: whoever is less wanted, or nobody
    const auto picked = select(session, Spill::yes);
    if (std::holds_alternative<Shortage>(picked)) {
      end(session, session.last_failure ? cause_of(*session.last_failure) : Cause::limit, Close::reset);
      return;
    }
    if (connect(session, std::get<Selection>(picked)) == Attempt::under_way) {
      return;
    }
  }
}

void Carrier::wait(Session& session, WaitKind kind, const std::shared_ptr<PoolState>& counted_in, Instant deadline) {
  if (room_.empty()) {
    next_patrol_ = now_ + kPatrolEvery;
  }
  session.state.enter(Phase::waiting);
  session.wait.kind = kind;
  session.wait.since = now_;
  session.wait.counted_in = counted_in;
  room_.join(session);
  timers_.arm(session.timer, deadline);
  serve_later(session.entry_pool);  // a slot may have come free before the line was to be seen by the others
  on_wait_event(session);           // it may have left already
}

void Carrier::stop_waiting(Session& session) {
  net::TimerWheel::cancel(session.timer);
  session.state.enter(Phase::choosing);
  if (session.wait.kind == WaitKind::resting) {
    return;
  }
  const Duration waited = now_ - session.wait.since;
  if (session.wait.kind == WaitKind::held) {
    session.wait.counted_in->held.fetch_sub(1, std::memory_order_relaxed);
    session.held_for += waited;
  } else {
    session.wait.counted_in->queued.fetch_sub(1, std::memory_order_relaxed);
    session.queued_for += waited;
  }
  session.wait.counted_in.reset();
  room_.leave(session);
}

/// A client that goes away is forgotten at once; one that ended its side after sending something still waits for the
/// answer.
void Carrier::on_wait_event(Session& session) {
  const Channel& client = session.client.channel;
  if (client.broken) {
    end(session, Cause::client_reset, Close::reset);
    return;
  }
  if (!client.hung_up) {
    return;
  }
  std::byte first{};
  const ssize_t count = ::recv(client.fd.get(), &first, 1, MSG_PEEK);
  if (count == 0) {
    end(session, Cause::client_fin, Close::fin);
  } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
    end(session, Cause::client_reset, Close::reset);
  }
}

void Carrier::on_wait_timeout(Session& session) {
  if (session.wait.kind == WaitKind::held) {
    end(session, Cause::hold_timeout, Close::reset);
    return;
  }
  if (session.wait.kind == WaitKind::resting) {
    stop_waiting(session);
    choose(session);
    return;
  }
  const auto picked = select(session, Spill::yes);
  const auto* selection = std::get_if<Selection>(&picked);
  if (selection == nullptr) {
    end(session, Cause::queue_timeout, Close::reset);
    return;
  }
  stop_waiting(session);
  if (connect(session, *selection) == Attempt::retry) {
    choose(session);
  }
}

void Carrier::note_opening(PoolId pool, BackendId backend) {
  // here the slot was given back first and then the line is looked for; wait() does it the other way round
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (crew_.board.anybody()) {
    openings_.push_back({pool, backend});
  }
}

/// Tells the worker whose client waits longest for such a slot.
void Carrier::announce_openings() {
  for (const Opening& opening : openings_) {
    const auto place = crew_.board.oldest([&](PoolId entry) {
      const PoolView* pool = awaited_pool(entry);
      return pool != nullptr && (pool->id == opening.pool ||
                                 std::any_of(pool->candidates.begin(), pool->candidates.end(),
                                             [&](const Candidate& one) { return one.backend->id == opening.backend; }));
    });
    if (!place) {
      continue;
    }
    if (place->worker == worker_) {
      serve_later(place->entry);
      continue;
    }
    Command serve = Serve{place->entry};
    if (!crew_.mailbox(place->worker).try_push(serve)) {
      serve_later(place->entry);  // it is busy; its line will be tried on its next patrol
    }
  }
  openings_.clear();
}

void Carrier::serve_lines() {
  if (!room_.empty() && now_ >= next_patrol_) {
    next_patrol_ = now_ + kPatrolEvery;
    to_serve_.insert(to_serve_.end(), room_.entries().begin(), room_.entries().end());
  }
  serving_.swap(to_serve_);
  std::sort(serving_.begin(), serving_.end());
  serving_.erase(std::unique(serving_.begin(), serving_.end()), serving_.end());
  for (const PoolId entry : serving_) {
    serve(entry);
  }
  serving_.clear();
}

/// Lets go as many of a line as there are backends for.
void Carrier::serve(PoolId entry) {
  while (Session* session = room_.head(entry)) {
    if (room_.rests(entry, now_)) {
      return;
    }
    const auto picked = select(*session, Spill::no);
    const auto* selection = std::get_if<Selection>(&picked);
    if (selection == nullptr) {
      return;
    }
    const PoolView& pool = *selection->pool;
    const std::uint32_t connecting_max = pool.options->connecting_max;
    const bool too_many =
        connecting_max != 0 && pool.state->connecting.load(std::memory_order_relaxed) >= connecting_max;
    if (session->wait.kind == WaitKind::held && too_many) {
      Selector::release(*selection->candidate->backend, *pool.state);
      return;  // each connect that ends calls again
    }
    stop_waiting(*session);
    if (connect(*session, *selection) == Attempt::retry) {
      choose(*session);
    }
  }
}

}  // namespace tandem::lb::relay
