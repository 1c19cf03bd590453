#include "app/demo/demo.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <utility>
#include <vector>

#include "app/demo/child.hpp"
#include "app/demo/client.hpp"
#include "app/demo/database.hpp"
#include "app/demo/ledger.hpp"
#include "app/demo/stage.hpp"
#include "app/demo/story.hpp"
#include "app/demo/tally.hpp"
#include "base/text.hpp"
#include "net/fd.hpp"
#include "net/socket_address.hpp"

namespace tandem::app {

namespace demo {

namespace {

using namespace std::chrono_literals;

constexpr Duration kLengthDefault = 15s;
constexpr Duration kLockExpiresAfter = 1s;  // as Patroni's ttl, but quicker
constexpr Duration kReturnsAfter = 2s;      // after the promotion
constexpr Duration kCalmBeforeNext = 2s;
constexpr Duration kCycle = 4s;  // a kill needs this much time left to be told to its end
constexpr Duration kStartWithin = 10s;
constexpr Duration kEndWithin = 5s;

Duration since_boot() { return std::chrono::steady_clock::now().time_since_epoch(); }

/// Ctrl-C and SIGTERM as something to poll for, while this lives.
class Interrupts {
 public:
  Interrupts() {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
      sigaddset(&wanted, number);
    }
    pthread_sigmask(SIG_BLOCK, &wanted, &before_);
    fd_ = net::Fd(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~Interrupts() {
    came();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }
  bool came() {
    signalfd_siginfo one{};
    while (::read(fd_.get(), &one, sizeof(one)) == static_cast<ssize_t>(sizeof(one))) {
      came_ = true;
    }
    return came_;
  }

 private:
  sigset_t before_{};
  net::Fd fd_;
  bool came_ = false;
};

bool accepts_connections(const Endpoint& endpoint) {
  const net::SocketAddress address(endpoint);
  const net::Fd socket(::socket(address.get()->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(socket.get(), address.get(), address.length) == 0;
}

/// Who plays, and what happens next to whom.
class Play {
 public:
  Play(Stage stage, SharedLedger ledger, TemporaryDirectory directory, Duration length)
      : stage_(std::move(stage)),
        ledger_(std::move(ledger)),
        directory_(std::move(directory)),
        begin_(since_boot()),
        end_(begin_ + length),
        story_(begin_),
        log_(directory_.file("tandem.log")) {}

  Result<void> start(const std::string& program);
  void run();
  int finish();

 private:
  enum class Act { opening, calm, leaderless, reduced };

  [[nodiscard]] const std::string& name(std::uint32_t index) const { return stage_.databases[index].name; }
  Result<void> start_database(std::uint32_t index);
  Result<void> start_clients();
  Result<void> wait_for_node();
  void turn();
  void hear_clients();
  void hear_node();
  void act(Duration now);
  void begin_calm(Duration now, Duration calm);
  void kill_primary(Duration now);
  void promote_another(Duration now);
  void return_the_old_one(Duration now);

  Stage stage_;
  SharedLedger ledger_;
  TemporaryDirectory directory_;
  Duration begin_;
  Duration end_;
  Story story_;
  LogTail log_;
  Interrupts interrupts_;
  Tally tally_;
  std::array<Child, 3> databases_;
  Child node_;
  std::array<Child, 2> clients_;
  net::Fd records_;
  Act act_ = Act::opening;
  Duration next_{Duration::max()};
  std::uint32_t killed_ = 0;
  bool node_died_ = false;
};

Result<void> Play::start(const std::string& program) {
  story_.tell(since_boot(), Tone::plain, "three embedded databases start; db-1 is primary, db-2 and db-3 are replicas");
  for (std::uint32_t index = 0; index < databases_.size(); ++index) {
    if (auto started = start_database(index); !started) {
      return started.error();
    }
  }
  const std::string config = directory_.file("tandem.toml");
  std::ofstream(config) << stage_.config(directory_.file("admin.sock"));
  auto node = Child::run({program, "run", "-c", config, "--log-format", "text"}, directory_.file("tandem.log"));
  if (!node) {
    return node.error();
  }
  node_ = std::move(*node);
  if (auto ready = wait_for_node(); !ready) {
    return ready.error();
  }
  story_.tell(since_boot(), Tone::plain,
              concat("tandem runs: writes at ", to_string(stage_.write), ", reads at ", to_string(stage_.read)));
  story_.tell(since_boot(), Tone::plain,
              concat("look at it: http://", to_string(stage_.admin), "/metrics and http://", to_string(stage_.admin),
                     "/api/v1/status"));
  return start_clients();
}

Result<void> Play::start_database(std::uint32_t index) {
  auto child = Child::fork([&] { serve(stage_.databases[index], *ledger_); });
  if (!child) {
    return child.error();
  }
  databases_[index] = std::move(*child);
  return {};
}

Result<void> Play::start_clients() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    return Error{"no pipe for the clients"};
  }
  records_ = net::Fd(ends[0]);
  const net::Fd results(ends[1]);
  fcntl(results.get(), F_SETFL, 0);  // clients wait when we are slow to listen
  const std::array<std::pair<RequestKind, Endpoint>, 2> targets{
      {{RequestKind::write, stage_.write}, {RequestKind::read, stage_.read}}};
  for (std::size_t index = 0; index < clients_.size(); ++index) {
    auto child = Child::fork([&] { keep_requesting(targets[index].first, targets[index].second, *ledger_, results); });
    if (!child) {
      return child.error();
    }
    clients_[index] = std::move(*child);
  }
  return {};
}

Result<void> Play::wait_for_node() {
  const Duration until = since_boot() + kStartWithin;
  while (!accepts_connections(stage_.write) || !accepts_connections(stage_.read)) {
    if (!node_.running()) {
      return Error{"`tandem run` ended at once"};
    }
    if (interrupts_.came()) {
      return Error{"interrupted"};
    }
    if (since_boot() > until) {
      return Error{concat("`tandem run` did not listen within ", to_string(kStartWithin))};
    }
    pollfd interrupt{interrupts_.fd(), POLLIN, 0};
    poll(&interrupt, 1, 20);
  }
  return {};
}

void Play::run() {
  while (since_boot() < end_ && !interrupts_.came() && !node_died_) {
    turn();
  }
}

void Play::turn() {
  std::array<pollfd, 2> waiting{{{interrupts_.fd(), POLLIN, 0}, {records_.get(), POLLIN, 0}}};
  poll(waiting.data(), waiting.size(), 10);
  interrupts_.came();
  hear_node();
  hear_clients();
  const Duration now = since_boot();
  if (now >= next_) {
    act(now);
  }
}

void Play::hear_clients() {
  Record record;
  while (::read(records_.get(), &record, sizeof(record)) == static_cast<ssize_t>(sizeof(record))) {
    const bool awaited = tally_.write_awaited();
    tally_.on_record(record);
    if (awaited && !tally_.write_awaited()) {
      const Tally::Failover& failover = tally_.failovers().back();
      story_.tell(record.finished, Tone::good,
                  concat("writes are back on ", failover.promoted, ": ", rounded(*failover.write_outage()), " without",
                         tally_.anything_failed() ? "" : ", and nobody was refused"));
    }
    const bool all_up = tally_.of(RequestKind::write).good > 0 && tally_.of(RequestKind::read).good > 0;
    if (act_ == Act::opening && all_up) {
      story_.tell(record.finished, Tone::good, "all up: the first write and the first read are answered");
      begin_calm(since_boot(), std::min<Duration>(3s, (end_ - begin_) / 5));
    }
  }
}

void Play::hear_node() {
  for (const std::string& line : log_.read()) {
    const std::string event = worth_telling(line);
    if (!event.empty()) {
      story_.tell(since_boot(), Tone::quiet, concat("tandem: ", event));
    }
  }
  if (!node_died_ && !node_.running()) {
    node_died_ = true;
    story_.tell(since_boot(), Tone::bad, "tandem itself has died");
  }
}

void Play::begin_calm(Duration now, Duration calm) {
  act_ = Act::calm;
  const bool has_time = now + calm + kCycle <= end_ || tally_.failovers().empty();
  next_ = has_time ? now + calm : Duration::max();
}

void Play::act(Duration now) {
  switch (act_) {
    case Act::calm: return kill_primary(now);
    case Act::leaderless: return promote_another(now);
    case Act::reduced: return return_the_old_one(now);
    case Act::opening: break;
  }
}

void Play::kill_primary(Duration now) {
  killed_ = ledger_->leader;
  databases_[killed_].kill();
  tally_.on_killed(name(killed_), now);
  story_.tell(now, Tone::bad, concat("kill -9 ", name(killed_), ", the primary"));
  act_ = Act::leaderless;
  next_ = now + kLockExpiresAfter;
}

void Play::promote_another(Duration now) {
  const std::uint32_t successor = (killed_ + 1) % static_cast<std::uint32_t>(databases_.size());
  ++ledger_->timeline;
  ledger_->leader = successor;
  tally_.on_promoted(name(successor), now);
  story_.tell(now, Tone::plain,
              concat(name(successor), " takes the lock and promotes itself: timeline ", ledger_->timeline.load()));
  act_ = Act::reduced;
  next_ = now + std::min(kReturnsAfter, (end_ - begin_) / 5);
}

void Play::return_the_old_one(Duration now) {
  if (auto started = start_database(killed_); !started) {
    story_.tell(now, Tone::bad, started.error().text);
  }
  story_.tell(now, Tone::plain, concat(name(killed_), " returns as replica"));
  begin_calm(now, kCalmBeforeNext);
}

int Play::finish() {
  ledger_->stop = true;
  next_ = Duration::max();
  const Duration until = since_boot() + kEndWithin;
  const auto clients_run = [&] { return clients_[0].running() || clients_[1].running(); };
  while (records_ && !node_died_ && clients_run() && since_boot() < until) {
    turn();
  }
  hear_clients();
  for (Child& client : clients_) {
    client.kill();
  }
  node_.terminate(kEndWithin);
  for (Child& database : databases_) {
    database.kill();
  }
  const bool failed = tally_.anything_failed() || node_died_ || tally_.of(RequestKind::write).good == 0 ||
                      tally_.of(RequestKind::read).good == 0;
  story_.print(concat("\n", tally_.report()));
  if (!failed) {
    return 0;
  }
  story_.print(concat("  its log: ", directory_.file("tandem.log"), "\n"));
  directory_.keep();
  return 1;
}

int refuse(const std::string& reason) {
  std::fprintf(stderr, "tandem demo: %s\n", reason.c_str());
  return 1;
}

}  // namespace

}  // namespace demo

int run_demo(const DemoOptions& options) {
  auto stage = demo::Stage::choose();
  if (!stage) {
    return demo::refuse(stage.error().text);
  }
  auto ledger = demo::SharedLedger::create();
  if (!ledger) {
    return demo::refuse(ledger.error().text);
  }
  auto directory = demo::TemporaryDirectory::create();
  if (!directory) {
    return demo::refuse(directory.error().text);
  }
  demo::Play play(std::move(*stage), std::move(*ledger), std::move(*directory),
                  options.seconds.value_or(demo::kLengthDefault));
  if (auto started = play.start(options.program); !started) {
    play.finish();
    return demo::refuse(started.error().text);
  }
  play.run();
  return play.finish();
}

}  // namespace tandem::app
