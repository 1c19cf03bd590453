#include "lb/relay/worker.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <limits>
#include <string>

#include "base/check.hpp"
#include "base/text.hpp"

namespace tandem::lb::relay {

namespace {

using namespace std::chrono_literals;

constexpr Duration kHeartbeatEvery = 200ms;  // a worker that has nothing to do turns nevertheless
constexpr Duration kNoFdPause = 100ms;       // between tries while there are no file descriptors

Instant read_clock() { return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now()); }

/// Signals are for the control thread.
void block_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

Worker::Worker(Crew& crew, WorkerId id)
    : crew_(crew), id_(id), now_(read_clock()), timers_(now_), carrier_(crew, id, reactor_, timers_, now_) {
  net::Wakeup& wakeup = crew.mailbox(id).wakeup();
  check(reactor_.add(wakeup.fd(), wakeup), "a worker hears its mailbox");
}

Worker::~Worker() { check(!thread_.joinable(), "a worker is joined before it goes"); }

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::join() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Worker::run() {
  block_signals();
  ::pthread_setname_np(::pthread_self(), concat("worker/", number(id_)).c_str());
  while (running_) {
    turn();
  }
}

void Worker::turn() {
  const std::span<const epoll_event> events = reactor_.wait(patience());
  now_ = read_clock();
  // relaxed: a watcher wants a recent value, nothing hangs on it
  crew_.heartbeats[number(id_)].store(now_.time_since_epoch().count(), std::memory_order_relaxed);
  carrier_.begin_turn(now_);

  crew_.mailbox(id_).take(commands_);
  for (Command& command : commands_) {
    std::visit([this](auto& one) { obey(one); }, command);
  }
  commands_.clear();
  carrier_.sever_share();
  for (const epoll_event& event : events) {
    net::Reactor::dispatch(event);
  }
  while (net::Timer* timer = timers_.expire(now_)) {
    timer->handler().on_timer();
  }
  accept_clients();
  carrier_.end_turn();
  closed_.clear();
  count_overflows();
  crew_.stats[number(id_)].loop_duration.observe(read_clock() - now_);
}

Duration Worker::patience() const {
  if (carrier_.has_more() || (!ready_.empty() && !accept_again_)) {
    return Duration{0};
  }
  Instant until = now_ + kHeartbeatEvery;
  for (const std::optional<Instant>& deadline : {timers_.next_deadline(), carrier_.next_deadline(), accept_again_}) {
    until = deadline ? std::min(until, *deadline) : until;
  }
  return until - read_clock();
}

void Worker::accept_clients() {
  if (accept_again_) {
    if (now_ < *accept_again_) {
      return;
    }
    accept_again_.reset();
  }
  std::size_t limit = kAcceptsPerTurn;
  accepting_.swap(ready_);
  for (Listener* listener : accepting_) {
    const Listener::Backlog backlog = accept_from(*listener, limit);
    listener->in_ready_queue = backlog != Listener::Backlog::drained;
    if (listener->in_ready_queue) {
      ready_.push_back(listener);
    }
    if (backlog == Listener::Backlog::stuck) {
      accept_again_ = now_ + kNoFdPause;
    }
  }
  accepting_.clear();
  if (ready_.size() > 1) {
    std::rotate(ready_.begin(), ready_.begin() + 1, ready_.end());  // each is first once
  }
}

Listener::Backlog Worker::accept_from(Listener& listener, std::size_t& limit) {
  return listener.accept(limit, number(id_), spare_, [&](Accepted accepted) { place(std::move(accepted), listener); });
}

void Worker::place(Accepted accepted, const Listener& listener) {
  const WorkerId chosen = crew_.place_for_client(id_);
  crew_.load[number(chosen)].fetch_add(1, std::memory_order_relaxed);
  if (chosen != id_) {
    Command hand_over = HandOver{std::move(accepted), listener.spec()};
    if (crew_.mailbox(chosen).try_push(hand_over)) {
      return;
    }
    crew_.load[number(chosen)].fetch_sub(1, std::memory_order_relaxed);
    crew_.load[number(id_)].fetch_add(1, std::memory_order_relaxed);
    accepted = std::move(std::get<HandOver>(hand_over).accepted);
  }
  begin_session(std::move(accepted), listener.spec());
}

void Worker::begin_session(Accepted accepted, const ListenerSpec& spec) {
  const auto found = listeners_.find(spec.id);
  // closed here already, while the other worker was still emptying its backlog
  const std::shared_ptr<Listener> listener =
      found != listeners_.end() ? found->second
                                : std::make_shared<Listener>(spec, std::vector<net::Fd>{}, [](Listener&) {});
  carrier_.begin_session(std::move(accepted), listener);
}

void Worker::count_overflows() {
  const std::uint64_t overflows = crew_.mailbox(id_).overflows();
  if (overflows != overflows_seen_) {
    crew_.stats[number(id_)].mailbox_overflows.add(overflows - overflows_seen_);
    overflows_seen_ = overflows;
  }
}

void Worker::obey(OpenListener& command) {
  auto listener =
      std::make_shared<Listener>(std::move(command.spec), std::move(command.sockets), [this](Listener& ready) {
        if (!ready.in_ready_queue) {
          ready.in_ready_queue = true;
          ready_.push_back(&ready);
        }
      });
  listener->watch(reactor_);
  listeners_[listener->spec().id] = listener;
  command.done->count_down();
}

void Worker::obey(UpdateListener& command) {
  const auto found = listeners_.find(command.spec.id);
  if (found != listeners_.end()) {
    found->second->update(std::move(command.spec));
    carrier_.follow(*found->second);
  }
}

void Worker::obey(CloseListener& command) {
  const auto found = listeners_.find(command.id);
  if (found != listeners_.end()) {
    Listener& listener = *found->second;
    std::size_t limit = std::numeric_limits<std::size_t>::max();
    listener.look_again();
    accept_from(listener, limit);
    listener.close();
    std::erase(ready_, &listener);
    closed_.push_back(std::move(found->second));
    listeners_.erase(found);
  }
  command.done->count_down();
}

void Worker::obey(Adopt& command) {
  carrier_.adopt(std::move(command.snapshot), *command.severs, std::move(command.publication));
}

void Worker::obey(HandOver& command) { begin_session(std::move(command.accepted), command.spec); }

void Worker::obey(Serve& command) { carrier_.serve_later(command.entry); }

void Worker::obey(Stop&) {
  for (auto& [id, listener] : listeners_) {
    listener->close();
    closed_.push_back(std::move(listener));
  }
  listeners_.clear();
  ready_.clear();
  carrier_.end_all(Cause::shutdown);
  running_ = false;
}

}  // namespace tandem::lb::relay
