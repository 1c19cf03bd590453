#include "vrrp/node.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <mutex>
#include <optional>
#include <semaphore>
#include <thread>
#include <utility>

#include "base/guarded.hpp"
#include "net/mailbox.hpp"
#include "vrrp/real_time.hpp"
#include "vrrp/routers.hpp"
#include "vrrp/witness.hpp"

namespace tandem::vrrp {
namespace {

constexpr Duration kTurnEvery = 50ms;  // for the hooks
constexpr Duration kWatchAgainAfter = 1s;
constexpr std::size_t kCommandsMax = 256;
constexpr std::chrono::milliseconds kFullMailboxPause = 1ms;

/// Somebody waits for the answer.
struct Request {
  const std::vector<Options>* options = nullptr;
  Result<> answer;
  std::binary_semaphore done{0};
};

struct Command {
  enum class Kind : std::uint8_t {
    configure,
    set_penalty,
    hand_over,
    shut_down,
    peer_leaving,
    peer_active,
    link_lost,
    keep_capabilities,
    stop,
  };
  Kind kind = Kind::stop;
  InstanceIndex instance{};
  std::uint8_t penalty = 0;
  RouterKey key;
  Request* request = nullptr;
};

struct Snapshot {
  InstanceFacts facts;
  Inabilities inabilities;
};

/// What anybody may ask.
struct Published {
  std::vector<Snapshot> instances;
  std::vector<std::string> warnings;
};

Moment read_clocks() {
  return {std::chrono::steady_clock::now(), std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now())};
}

Snapshot snapshot(const Router& router) { return {router.facts(), router.inabilities()}; }

}  // namespace

struct Node::State {
  State(std::unique_ptr<Platform> platform_in, NodeHooks hooks_in)
      : platform(std::move(platform_in)), hooks(std::move(hooks_in)), routers(*platform, hooks), mailbox(kCommandsMax) {
    commands.reserve(kCommandsMax);
  }

  void run();
  void turn(Moment moment);
  void wait(Instant now);
  void carry_out(const Command& command, Moment moment);
  Result<> configure(const std::vector<Options>& options, Moment moment);
  Result<std::vector<std::optional<WitnessWatch>>> open_watches(const std::vector<Options>& options, Moment moment);
  void ask_witnesses(Instant now);
  void publish();
  void publish_all();

  void send(Command command);
  Result<> send_and_wait(Command command);

  std::unique_ptr<Platform> platform;
  NodeHooks hooks;
  Routers routers;
  std::vector<std::optional<WitnessWatch>> watches;  // by instance
  Instant watch_again_at{};
  net::Mailbox<Command> mailbox;
  std::vector<Command> commands;
  std::vector<pollfd> polled;
  bool stopped = false;
  std::binary_semaphore started{0};

  std::mutex mutex;
  Published published;  // under the mutex
  std::atomic<bool> shut_down{false};
  metrics::DurationHistogram turn_duration;
  std::atomic<Duration::rep> longest_turn{0};

  std::thread thread;  // last: uses the rest
};

void Node::State::run() {
  enter_real_time();
  started.release();
  while (!stopped) {
    const Moment moment = read_clocks();
    turn(moment);
    const Instant end = std::chrono::steady_clock::now();
    const Duration lasted = end - moment.now;
    turn_duration.observe(lasted);
    if (lasted.count() > longest_turn.load(std::memory_order_relaxed)) {  // a lone writer
      longest_turn.store(lasted.count(), std::memory_order_relaxed);
    }
    if (!stopped) {
      wait(end);
    }
  }
  watches.clear();
  routers.close();  // here, where the capabilities are that this needs
}

void Node::State::turn(Moment moment) {
  ask_witnesses(moment.now);
  mailbox.take(commands);
  for (const Command& command : commands) {
    carry_out(command, moment);
  }
  if (stopped) {
    return;
  }
  routers.turn(moment);
  shut_down.store(routers.is_shut_down(), std::memory_order_release);  // release: what it says has been done before
  publish();
  if (hooks.beat) {
    hooks.beat(moment.now);
  }
}

/// Until something is readable or due.
void Node::State::wait(Instant now) {
  Instant until = now + kTurnEvery;
  until = std::min(until, routers.next_deadline().value_or(until));
  polled.clear();
  polled.push_back({mailbox.wakeup().fd().get(), POLLIN, 0});
  polled.push_back({platform->interfaces().fd(), POLLIN, 0});
  for (std::size_t place = 0; place < routers.size(); ++place) {
    polled.push_back({routers.router(place).fd(), POLLIN, 0});  // of a closed one -1, which is passed over
    if (const auto& watch = watches[place]) {
      polled.push_back({watch->fd(), POLLIN, 0});
      until = std::min(until, watch->next_deadline());
    }
  }
  const Duration rest = std::max(until - now, Duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(rest);
  const timespec timeout{seconds.count(), (rest - seconds).count()};
  static_cast<void>(::ppoll(polled.data(), polled.size(), &timeout, nullptr));
  if ((polled.front().revents & POLLIN) != 0) {
    std::uint64_t wakes = 0;
    static_cast<void>(::read(polled.front().fd, &wakes, sizeof(wakes)));
  }
}

void Node::State::ask_witnesses(Instant now) {
  for (std::size_t place = 0; place < watches.size(); ++place) {
    auto& watch = watches[place];
    const Options& options = routers.router(place).options();
    if (!watch && !options.witnesses.empty() && routers.router(place).fd() >= 0 && now >= watch_again_at) {
      watch_again_at = now + kWatchAgainAfter;
      auto opened = WitnessWatch::open(options.witnesses, options.interface, witness_period(options.interval), now);
      if (opened) {
        watch.emplace(std::move(*opened));
      }
    }
    if (watch) {
      watch->on_events(now);
      routers.set_witness(InstanceIndex{static_cast<std::uint16_t>(place)}, watch->reach(now));
    }
  }
}

void Node::State::carry_out(const Command& command, Moment moment) {
  switch (command.kind) {
    case Command::Kind::configure: command.request->answer = configure(*command.request->options, moment); break;
    case Command::Kind::set_penalty: routers.set_penalty(command.instance, command.penalty); break;
    case Command::Kind::hand_over: routers.hand_over(command.instance, moment); break;
    case Command::Kind::shut_down: routers.shut_down(moment); break;
    case Command::Kind::peer_leaving: routers.on_peer_leaving(command.key, moment); break;
    case Command::Kind::peer_active: routers.on_peer_active(command.key, moment); break;
    case Command::Kind::link_lost: routers.on_link_lost(moment); break;
    case Command::Kind::keep_capabilities: command.request->answer = keep_network_capabilities(); break;
    case Command::Kind::stop:
      routers.stop(moment);
      stopped = true;
      break;
  }
  if (command.request != nullptr) {
    command.request->done.release();
  }
}

Result<> Node::State::configure(const std::vector<Options>& options, Moment moment) {
  auto opened = open_watches(options, moment);
  if (!opened) {
    return opened.error();
  }
  Result<> done = routers.configure(options, moment);
  if (done) {
    watches = std::move(*opened);
    polled.reserve(2 + 2 * routers.size());
  }
  publish_all();
  return done;
}

Result<std::vector<std::optional<WitnessWatch>>> Node::State::open_watches(const std::vector<Options>& options,
                                                                           Moment moment) {
  std::vector<std::optional<WitnessWatch>> opened(options.size());
  for (std::size_t place = 0; place < options.size(); ++place) {
    const Options& one = options[place];
    if (one.witnesses.empty() || platform->interfaces().find(one.interface).index == 0) {
      continue;  // an interface that is not there yet is watched from when it is
    }
    auto watch = WitnessWatch::open(one.witnesses, one.interface, witness_period(one.interval), moment.now);
    if (!watch) {
      return Error{"vrrp \"" + one.name + "\": " + watch.error().text};
    }
    opened[place].emplace(std::move(*watch));
  }
  return opened;
}

/// Never waits: whoever reads just now gets the next one.
void Node::State::publish() {
  const std::unique_lock lock(mutex, std::try_to_lock);
  if (!lock.owns_lock()) {
    return;
  }
  for (std::size_t place = 0; place < published.instances.size(); ++place) {
    published.instances[place] = snapshot(routers.router(place));
  }
}

/// After another configuration: somebody waits for it anyhow.
void Node::State::publish_all() {
  Published fresh;
  for (std::size_t place = 0; place < routers.size(); ++place) {
    const Router& router = routers.router(place);
    fresh.instances.push_back(snapshot(router));
    fresh.warnings.insert(fresh.warnings.end(), router.warnings().begin(), router.warnings().end());
  }
  const std::lock_guard lock(mutex);
  std::swap(published, fresh);
}

void Node::State::send(Command command) { static_cast<void>(mailbox.try_push(command)); }

/// A command that must not be lost.
Result<> Node::State::send_and_wait(Command command) {
  Request request;
  request.options = command.request == nullptr ? nullptr : command.request->options;
  command.request = &request;
  while (!mailbox.try_push(command)) {
    std::this_thread::sleep_for(kFullMailboxPause);
  }
  request.done.acquire();
  return request.answer;
}

Node::Node(std::unique_ptr<Platform> platform, NodeHooks hooks)
    : state_(std::make_unique<State>(std::move(platform), std::move(hooks))) {
  state_->polled.reserve(2);
  state_->thread = std::thread([state = state_.get()] { state->run(); });
  state_->started.acquire();  // from here on it keeps its capabilities whatever user the process becomes
}

Node::~Node() {
  static_cast<void>(state_->send_and_wait({Command::Kind::stop, {}, 0, {}, nullptr}));
  state_->thread.join();
}

Result<> Node::configure(const std::vector<Options>& options) {
  Request request;
  request.options = &options;
  return state_->send_and_wait({Command::Kind::configure, {}, 0, {}, &request});
}

void Node::set_penalty(InstanceIndex instance, std::uint8_t penalty) {
  state_->send({Command::Kind::set_penalty, instance, penalty, {}, nullptr});
}

void Node::hand_over(InstanceIndex instance) { state_->send({Command::Kind::hand_over, instance, 0, {}, nullptr}); }

void Node::shut_down() { static_cast<void>(state_->send_and_wait({Command::Kind::shut_down, {}, 0, {}, nullptr})); }

bool Node::is_shut_down() const { return state_->shut_down.load(std::memory_order_acquire); }

void Node::on_peer_leaving(const RouterKey& router) {
  state_->send({Command::Kind::peer_leaving, {}, 0, router, nullptr});
}

void Node::on_peer_active(const RouterKey& router) {
  state_->send({Command::Kind::peer_active, {}, 0, router, nullptr});
}

void Node::on_link_lost() { state_->send({Command::Kind::link_lost, {}, 0, {}, nullptr}); }

std::vector<InstanceStatus> Node::status() const {
  std::vector<Snapshot> taken;
  {
    const std::lock_guard lock(state_->mutex);
    taken = state_->published.instances;
  }
  std::vector<InstanceStatus> result;
  for (const Snapshot& one : taken) {
    InstanceStatus& status = result.emplace_back();
    static_cast<InstanceFacts&>(status) = one.facts;
    for (std::size_t place = 0; place < kInabilityCount; ++place) {
      if (one.inabilities[place]) {
        status.inabilities.push_back(static_cast<Inability>(place));
      }
    }
  }
  return result;
}

std::vector<std::string> Node::warnings() const {
  const std::lock_guard lock(state_->mutex);
  return state_->published.warnings;
}

const metrics::DurationHistogram& Node::turn_duration() const { return state_->turn_duration; }

Duration Node::longest_turn() const { return Duration(state_->longest_turn.load(std::memory_order_relaxed)); }

std::uint64_t Node::mailbox_overflows() const { return state_->mailbox.overflows(); }

Result<> Node::keep_capabilities() {
  return state_->send_and_wait({Command::Kind::keep_capabilities, {}, 0, {}, nullptr});
}

}  // namespace tandem::vrrp
