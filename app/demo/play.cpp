#include "app/demo/play.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "app/demo/client.hpp"
#include "app/demo/database.hpp"
#include "base/text.hpp"

namespace tandem::app::demo {

namespace {

using namespace std::chrono_literals;

constexpr Duration kStartTakes = 2500ms;  // about, and the end
constexpr Duration kRoundTakes = 12500ms;
constexpr double kPaceMin = 0.76;
constexpr Duration kStartWithin = 15s;
constexpr Duration kStandbyWithin = 5s;
constexpr Duration kAskAgain = 100ms;
constexpr Duration kLeaveWithin = 4s;
constexpr int kTurnMilliseconds = 5;

Duration since_boot() { return std::chrono::steady_clock::now().time_since_epoch(); }

Duration scaled(Duration duration, double pace) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(duration) * pace);
}

}  // namespace

const std::array<Play::Step, 12> Play::kRound{{
    {1500ms, &Play::kill_serving},
    {1200ms, &Play::end_takeover},
    {1300ms, &Play::cut_power},
    {1500ms, &Play::end_takeover},
    {500ms, &Play::restore_power},
    {1500ms, &Play::kill_primary},
    {1000ms, &Play::promote_another},
    {800ms, &Play::end_promotion},
    {200ms, &Play::return_the_old_one},
    {1500ms, &Play::hand_over},
    {1000ms, &Play::end_handover},
    {500ms, &Play::schedule},
}};

Play::Play(const std::string& program, const std::string& directory, std::array<Doorway, 2> doors, SharedLedger ledger,
           Duration length)
    : stage_(Stage::set()),
      directory_(directory),
      ledger_(std::move(ledger)),
      begin_(since_boot()),
      end_(begin_ + length),
      story_(begin_),
      nodes_{Node(stage_, 0, program, directory, std::move(doors[0])),
             Node(stage_, 1, program, directory, std::move(doors[1]))} {
  const Duration playable = length - kStartTakes;
  rounds_left_ = static_cast<std::size_t>(std::max<Duration::rep>(1, playable / kRoundTakes));
  pace_ = std::max(kPaceMin, std::chrono::duration<double>(playable) /
                                 std::chrono::duration<double>(kRoundTakes * static_cast<int>(rounds_left_)));
}

Result<> Play::start() {
  std::vector<IpAddress> addresses{stage_.client};
  for (const Database& database : stage_.databases) {
    addresses.push_back(database.data.address);
  }
  auto lan = Lan::create(addresses, stage_.prefix_length);
  if (!lan) {
    return lan.error();
  }
  lan_.push_back(*lan);
  story_.tell(since_boot(), Tone::plain, "three embedded databases start; db-1 is primary, db-2 and db-3 are replicas");
  for (std::uint32_t index = 0; index < databases_.size(); ++index) {
    if (auto started = start_database(index); !started) {
      return started;
    }
  }
  if (auto written = write_key(directory_ + "/peer.key"); !written) {
    return written;
  }
  story_.tell(since_boot(), Tone::plain,
              concat("lb-a and lb-b start, each `tandem run` in a network of its own; they share ",
                     to_string(stage_.shared), " by VRRP"));
  for (Node& node : nodes_) {
    if (auto on = node.power_on(lan_.front()); !on) {
      return on;
    }
  }
  if (auto ready = wait_for_nodes(); !ready) {
    return ready;
  }
  for (const Node& node : nodes_) {
    const std::string door = to_string(node.door());
    story_.tell(since_boot(), Tone::plain,
                concat("look at ", node.name(), ": http://", door, "/api/v1/status and http://", door, "/metrics"));
  }
  return start_clients();
}

Result<> Play::start_database(std::uint32_t index) {
  auto child = Child::fork([&] { serve(stage_.databases[index], *ledger_); });
  if (!child) {
    return child.error();
  }
  databases_[index] = std::move(*child);
  return {};
}

Result<> Play::start_clients() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    return Error{"no pipe for the client"};
  }
  records_ = net::Fd(ends[0]);
  const net::Fd results(ends[1]);
  fcntl(results.get(), F_SETFL, 0);  // the client waits when we are slow to listen
  auto child = Child::fork([&] {
    records_.close();
    keep_requesting(stage_.write, stage_.read, *ledger_, results);
  });
  if (!child) {
    return child.error();
  }
  client_ = std::move(*child);
  return {};
}

Result<> Play::wait_for_nodes() {
  const Duration until = since_boot() + kStartWithin;
  while (true) {
    hear_nodes();
    const bool one_holds = nodes_[0].holds_address() != nodes_[1].holds_address();
    if (one_holds && nodes_[0].ready() && nodes_[1].ready()) {
      return {};
    }
    for (Node& node : nodes_) {
      if (!node.well()) {
        return Error{concat("`tandem run` of ", node.name(), " ended; its last words: ", node.last_words())};
      }
    }
    if (interrupts_.came()) {
      return Error{"interrupted"};
    }
    if (since_boot() > until) {
      return Error{concat("the pair does not serve after ", to_string(kStartWithin), ": ",
                          one_holds ? "a node is not ready" : "nobody, or both, hold the address")};
    }
    pollfd interrupt{interrupts_.fd(), POLLIN, 0};
    poll(&interrupt, 1, kTurnMilliseconds);
  }
}

void Play::run() {
  while (since_boot() < end_ && !interrupts_.came() && !broken_) {
    turn();
  }
}

void Play::turn() {
  std::array<pollfd, 2> waiting{{{interrupts_.fd(), POLLIN, 0}, {records_.get(), POLLIN, 0}}};
  poll(waiting.data(), waiting.size(), kTurnMilliseconds);
  hear_nodes();
  hear_clients();
  const Duration now = since_boot();
  if (now >= next_ && next_step_ < kRound.size()) {
    take_step(now);
  }
}

void Play::hear_clients() {
  Record record;
  while (::read(records_.get(), &record, sizeof(record)) == static_cast<ssize_t>(sizeof(record))) {
    tally_.on_record(record);
  }
  if (!opened_ && tally_.of(RequestKind::write).good > 0 && tally_.of(RequestKind::read).good > 0) {
    opened_ = true;
    story_.tell(since_boot(), Tone::good, "all up: the first write and the first read are answered");
    next_step_ = 0;
    next_ = since_boot() + scaled(kRound[0].after, pace_);
  }
}

void Play::hear_nodes() {
  const Duration now = since_boot();
  for (Node& node : nodes_) {
    for (const std::string& line : node.read_log()) {
      const std::string event = worth_telling(line, node.holds_address() ? Teller::active : Teller::standby);
      if (!event.empty()) {
        story_.tell(now, Tone::quiet, concat(node.name(), ": ", event));
      }
    }
    if (node.refresh()) {
      story_.tell(now, Tone::plain,
                  concat(node.name(), node.holds_address() ? " has " : " no longer has ", to_string(stage_.shared)));
    }
    if (!broken_ && !node.well()) {
      broken_ = true;
      fail(now, concat("`tandem run` of ", node.name(), " ended by itself; its last words: ", node.last_words()));
    }
  }
}

/// What is done to one node waits until the other one can take over.
void Play::take_step(Duration now) {
  const Step& step = kRound[next_step_];
  const bool needs_both = step.happen == &Play::kill_serving || step.happen == &Play::cut_power ||
                          step.happen == &Play::kill_primary || step.happen == &Play::hand_over;
  if (needs_both && !(active().holds_address() && standby().ready())) {
    if (now > next_ + kStandbyWithin) {
      broken_ = true;
      fail(now, concat(standby().name(), " is not ready to take over after ", to_string(kStandbyWithin)));
    }
    pollfd interrupt{interrupts_.fd(), POLLIN, 0};
    poll(&interrupt, 1, static_cast<int>(kAskAgain / 1ms));
    return;
  }
  ++next_step_;
  (this->*step.happen)(now);
  if (next_step_ < kRound.size()) {
    next_ = now + scaled(kRound[next_step_].after, pace_);
  }
}

/// Another round, if there is time for one.
void Play::schedule(Duration now) {
  if (--rounds_left_ > 0 && now + scaled(kRoundTakes - kRound[0].after, pace_) < end_) {
    next_step_ = 0;
  }
}

Node& Play::active() { return nodes_[1].holds_address() ? nodes_[1] : nodes_[0]; }

void Play::fail(Duration now, const std::string& problem) {
  problems_.push_back(problem);
  story_.tell(now, Tone::bad, problem);
}

std::vector<std::string> Play::finish() {
  ledger_->stop = true;
  next_ = Duration::max();
  const Duration until = since_boot() + kLeaveWithin;
  while (records_ && client_.running() && since_boot() < until && interrupts_.count() < 2) {
    turn();
  }
  client_.kill();
  hear_clients();
  tally_.end(since_boot());
  command_.kill();
  for (Node& node : nodes_) {
    node.stop();
  }
  for (Child& database : databases_) {
    database.kill();
  }
  const auto expect = [this](bool held, const std::string& problem) {
    if (!held) {
      problems_.push_back(problem);
    }
  };
  expect(tally_.of(RequestKind::write).good > 0 && tally_.of(RequestKind::read).good > 0,
         "nothing was answered at all");
  expect(tally_.unexplained() == 0,
         concat(tally_.unexplained(), " requests failed while nothing was done to the pair"));
  expect(tally_.stale_writes() == 0, concat(tally_.stale_writes(), " writes went to an old primary"));
  story_.print(concat("\n", tally_.report()));
  return problems_;
}

}  // namespace tandem::app::demo
