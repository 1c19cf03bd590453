#include "app/watcher/watcher.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "app/log_output.hpp"
#include "app/service_notify.hpp"
#include "app/watcher/canary.hpp"
#include "app/watcher/ending.hpp"
#include "app/watcher/life_record.hpp"
#include "app/watcher/lifeline_shared.hpp"
#include "app/watcher/notify_relay.hpp"
#include "app/watcher/precedence.hpp"
#include "app/watcher/pulse.hpp"
#include "base/check.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "net/fd.hpp"
#include "vrrp/will_executor.hpp"

namespace tandem::app {

namespace {

using namespace std::chrono_literals;

constexpr Duration kKillPatience = 50ms;    // a process in uninterruptible sleep dies later; its will does not wait
constexpr Duration kDyingPatience = 500ms;  // for all its connections to be closed
constexpr Duration kFeedAtMost = 60s;       // systemd's watchdog, from a death until the next life serves
constexpr std::array kPassedOn = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

Instant read_clock() { return std::chrono::steady_clock::now(); }

std::string last_error() { return std::system_category().message(errno); }

/// Two sockets that end together with who holds the other.
struct Pair {
  Pair() {
    std::array<int, 2> ends{-1, -1};
    static_cast<void>(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()));
    ours = net::Fd(ends[0]);
    theirs = net::Fd(ends[1]);
  }

  net::Fd ours;
  net::Fd theirs;
};

bool ends(int signal) { return signal == SIGTERM || signal == SIGINT; }

}  // namespace

/// The parent of the process that serves. One thread; it waits in one place, turn().
class Watcher {
 public:
  Watcher(const WatcherOptions& options, Executor executor);

  /// The error says what could not be made.
  Result<> open();
  int run(const std::function<int(Lifeline&)>& serve);

 private:
  struct Child {
    pid_t pid = 0;  // 0: there is none
    Instant born{};
    net::Fd lifeline;
    bool quiet = false;                // it has closed its end: no use to poll
    net::Fd canary;                    // closed at the other end: it is dying
    bool canary_lives = false;         // it has said its word
    std::optional<Instant> killed_at;  // by us: it hung
    std::optional<Instant> dying_at;   // nothing of it runs any more; the kernel closes what it had
    bool has_said_farewell = false;
    bool has_let_go = false;  // of its addresses
    Pulse pulse;
  };

  /// A lifeline in the child; in the watcher nothing.
  std::optional<Lifeline> start_child();
  Lifeline become_child(pid_t watcher, net::Fd lifeline, net::Fd canary);
  void on_no_child(std::string_view reason, Instant now);

  void turn();
  [[nodiscard]] Instant next_look(Instant now) const;
  void wait_until(Instant deadline);
  void reap(Instant now);
  void on_death(int wait_status, Instant now);
  void take_signals();
  void on_signal(int signal);
  void hear_canary();
  void hear_child();
  void check_pulse(Instant now, Instant wanted);
  void say_farewell();
  void let_go();
  void carry_out(vrrp::Will::Kind kind);
  [[nodiscard]] std::optional<Instant> let_go_at() const;
  [[nodiscard]] bool feeds_watchdog(Instant now) const;
  void feed_watchdog(Instant now);
  void log(LogLevel level, std::string_view event, std::vector<LogField> fields) const;

  WatcherOptions options_;
  Executor executor_;
  sigset_t mask_before_{};
  std::array<char, 16> name_before_{};  // prctl(2): as long as a name can be
  Precedence precedence_;
  LifeRecord::Mapping record_;
  net::Fd signals_;
  std::optional<NotifyRelay> relay_;  // none where no service manager listens
  std::optional<Duration> watchdog_;  // how often it wants to be fed

  Child child_;
  std::uint64_t lives_ = 0;
  Restarts restarts_;
  Instant restart_at_{};
  Instant feed_until_{};
  Instant feed_at_{};
  bool told_to_end_ = false;
  std::uint64_t held_ = 0;  // signals, a bit each, for a child that does not serve yet
  bool obstacle_told_ = false;
  vrrp::Will part_;            // of a will, as it is carried out
  std::optional<int> status_;  // what to exit with
};

Watcher::Watcher(const WatcherOptions& options, Executor executor)
    : options_(options), executor_(std::move(executor)), restarts_(options.restarts) {
  ::prctl(PR_GET_NAME, name_before_.data(), 0, 0, 0);
  ::prctl(PR_SET_NAME, "tandem-watcher", 0, 0, 0);
}

Result<> Watcher::open() {
  sigset_t taken;
  sigemptyset(&taken);
  for (const int signal : kPassedOn) {
    sigaddset(&taken, signal);
  }
  sigaddset(&taken, SIGCHLD);
  signals_ = net::Fd(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) {
    return Error{concat("watcher: signalfd: ", last_error())};
  }
  sigaddset(&taken, SIGPIPE);  // nobody reads stderr: no reason to die
  sigprocmask(SIG_BLOCK, &taken, &mask_before_);
  std::signal(SIGCHLD, SIG_DFL);  // ignored, as some have it who start us, would lose how the child ended

  Result<LifeRecord::Mapping> record = LifeRecord::map();
  if (!record) {
    return Error{concat("watcher: shared memory: ", record.error().text)};
  }
  record_ = std::move(*record);
  record_->log_as(options_.log_format);
  if (::getenv("NOTIFY_SOCKET") != nullptr) {
    Result<NotifyRelay> relay = NotifyRelay::open();
    if (!relay) {
      return Error{concat("watcher: notification socket: ", relay.error().text)};
    }
    relay_.emplace(std::move(*relay));
    watchdog_ = watchdog_interval();
  }
  return {};
}

int Watcher::run(const std::function<int(Lifeline&)>& serve) {
  while (!status_) {
    if (child_.pid == 0 && read_clock() >= restart_at_) {
      if (std::optional<Lifeline> lifeline = start_child()) {
        return serve(*lifeline);
      }
    }
    if (!status_) {
      turn();
    }
  }
  return *status_;
}

std::optional<Lifeline> Watcher::start_child() {
  const Instant now = read_clock();
  ++lives_;
  Pair lifeline;
  Pair canary;
  if (!lifeline.theirs || !canary.theirs) {
    on_no_child(concat("socketpair: ", last_error()), now);
    return std::nullopt;
  }
  record_->clear();
  const pid_t watcher = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    on_no_child(concat("fork: ", last_error()), now);
    return std::nullopt;
  }
  if (pid == 0) {
    lifeline.ours.close();
    canary.ours.close();
    return become_child(watcher, std::move(lifeline.theirs), std::move(canary.theirs));
  }
  ::setpgid(pid, pid);  // the child does it too; who is first does not matter
  child_ = Child{};
  child_.pid = pid;
  child_.born = now;
  child_.lifeline = std::move(lifeline.ours);
  child_.canary = std::move(canary.ours);
  return std::nullopt;
}

/// Nothing that is the watcher's alone stays open or in force.
Lifeline Watcher::become_child(pid_t watcher, net::Fd lifeline, net::Fd canary) {
  if (relay_) {
    relay_->lead_here(watcher);
    relay_.reset();
  }
  executor_ = Executor{};
  signals_.close();
  precedence_.give_back();
  ::prctl(PR_SET_NAME, name_before_.data(), 0, 0, 0);
  // A group of its own: Ctrl-C reaches the watcher alone, which passes it on, so that it counts once. It is then in the
  // background of its terminal, where `stty tostop` would stop it at the first line.
  ::setpgid(0, 0);
  if (::isatty(STDERR_FILENO) != 0 || ::isatty(STDOUT_FILENO) != 0) {
    std::signal(SIGTTOU, SIG_IGN);
  }
  keep_canary(std::move(canary));
  sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  return Lifeline(std::make_unique<Lifeline::Shared>(*record_, std::move(lifeline)));
}

void Watcher::on_no_child(std::string_view reason, Instant now) {
  log(LogLevel::error, "child_not_started", {{"reason", reason}});
  if (lives_ == 1) {
    status_ = 1;
  }
  restart_at_ = now + restarts_.on_death(Duration::zero());
}

void Watcher::turn() {
  const Instant wanted = next_look(read_clock());
  wait_until(wanted);
  const Instant now = read_clock();
  reap(now);  // first of all: others wait for the address
  hear_canary();
  take_signals();
  reap(now);  // again: the signal that has just been taken may have told of it
  if (child_.pid != 0) {
    hear_child();
    check_pulse(now, wanted);
  }
  if (relay_) {
    relay_->pass_on(child_.pid);
  }
  feed_watchdog(now);
}

Instant Watcher::next_look(Instant now) const {
  Instant next = feeds_watchdog(now) ? feed_at_ : Instant::max();
  if (child_.pid == 0) {
    return std::min(next, restart_at_);
  }
  if (const std::optional<Instant> due = let_go_at()) {
    next = std::min(next, *due);
  }
  if (child_.killed_at || child_.dying_at) {
    return next;
  }
  return std::min(next, child_.pulse.next_look(now, record_->last_beat(), record_->bound()));
}

void Watcher::wait_until(Instant deadline) {
  std::array<pollfd, 4> polled{};
  polled[0] = {signals_.get(), POLLIN, 0};  // the child's death as well, by SIGCHLD
  polled[1] = {child_.pid != 0 && !child_.quiet ? child_.lifeline.get() : -1, POLLIN, 0};
  polled[2] = {child_.canary.get(), POLLIN, 0};
  polled[3] = {relay_ ? relay_->fd() : -1, POLLIN, 0};
  const Duration left = std::max(deadline - read_clock(), Duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  timespec timeout{};
  timeout.tv_sec = seconds.count();
  timeout.tv_nsec = (left - seconds).count();
  // Its result does not matter: everything is looked at without waiting.
  static_cast<void>(::ppoll(polled.data(), polled.size(), deadline == Instant::max() ? nullptr : &timeout, nullptr));
}

void Watcher::reap(Instant now) {
  int wait_status = 0;
  if (child_.pid != 0 && ::waitpid(child_.pid, &wait_status, WNOHANG) == child_.pid) {
    on_death(wait_status, now);
  }
}

void Watcher::on_death(int wait_status, Instant now) {
  child_.has_let_go = false;  // an address may have been put on in the very moment of death
  let_go();
  say_farewell();
  if (relay_) {
    relay_->pass_on(child_.pid);  // its last words
  }
  const bool had_started = record_->started();
  const Duration lasted = now - child_.born;
  status_ = exit_status_after({wait_status, lives_ == 1, had_started, told_to_end_});
  const std::string cause = cause_of(wait_status);
  std::vector<LogField> fields = {{"cause", cause}, {"pid", child_.pid}, {"lasted", rounded(lasted)}};
  if (!status_) {
    const Duration rest = restarts_.on_death(had_started ? lasted : Duration::zero());
    restart_at_ = now + rest;
    fields.emplace_back("restart_in", to_string(rest));
    if (had_started) {
      feed_until_ = now + kFeedAtMost;
    }
    feed_at_ = now;
    if (relay_) {
      service_notify(concat("STATUS=the serving process died (", cause, ") and is started anew"));
    }
  }
  if (!WIFEXITED(wait_status) || !status_) {
    log(LogLevel::error, "child_died", std::move(fields));
  }
  child_ = Child{};
  held_ = 0;
}

void Watcher::take_signals() {
  signalfd_siginfo signal{};
  while (::read(signals_.get(), &signal, sizeof(signal)) == sizeof(signal)) {
    if (signal.ssi_signo != SIGCHLD) {
      on_signal(static_cast<int>(signal.ssi_signo));
    }
  }
}

void Watcher::on_signal(int signal) {
  told_to_end_ = told_to_end_ || ends(signal);
  if (child_.pid == 0) {
    if (ends(signal) && !status_) {
      status_ = 0;
    }
    return;  // what asks to read the file again finds a new life that does
  }
  if (ends(signal) || record_->started()) {
    ::kill(child_.pid, signal);
  } else {
    held_ |= std::uint64_t{1} << static_cast<unsigned>(signal);  // it has no handler yet, and would die of it
  }
}

/// Nothing of the child's runs on; now the kernel closes its connections, and with thousands of them that takes a
/// while. The peer hears the farewell at once. The addresses stay until the end, as the connections' last words leave
/// from them: a client that only waits for an answer would not hear of the death otherwise.
void Watcher::hear_canary() {
  if (!child_.canary) {
    return;
  }
  std::array<char, 16> words{};
  ssize_t size = ::recv(child_.canary.get(), words.data(), words.size(), MSG_DONTWAIT);
  if (size > 0) {
    child_.canary_lives = true;
    size = ::recv(child_.canary.get(), words.data(), words.size(), MSG_DONTWAIT);
  }
  if (size == 0) {
    child_.canary.close();
    if (child_.canary_lives && !child_.dying_at) {
      child_.dying_at = read_clock();
      say_farewell();
    }
  }
}

void Watcher::hear_child() {
  std::array<char, 64> words{};
  ssize_t size = 0;
  do {
    size = child_.quiet ? -1 : ::recv(child_.lifeline.get(), words.data(), words.size(), MSG_DONTWAIT);
  } while (size > 0);
  child_.quiet = child_.quiet || size == 0 || (errno != EAGAIN && errno != EINTR);

  if (held_ != 0 && record_->started()) {
    for (const int signal : kPassedOn) {
      if ((held_ >> static_cast<unsigned>(signal) & 1U) != 0) {
        ::kill(child_.pid, signal);
      }
    }
    held_ = 0;
  }
  if (!executor_.obstacle.empty() && !obstacle_told_ && record_->bequeathed()) {
    obstacle_told_ = true;
    log(LogLevel::warning, "watcher_powerless",
        {{"reason", executor_.obstacle}, {"consequence", "a crash leaves virtual addresses where they are"}});
  }
}

void Watcher::check_pulse(Instant now, Instant wanted) {
  if (const std::optional<Instant> due = let_go_at(); due && now >= *due) {
    let_go();
    say_farewell();
  }
  if (child_.killed_at || child_.dying_at) {
    return;
  }
  const Duration bound = record_->bound();
  const Instant beat = record_->last_beat();
  if (child_.pulse.hangs(now, wanted, beat, bound)) {
    ::kill(child_.pid, SIGKILL);
    child_.killed_at = now;
    log(LogLevel::error, "child_hangs",
        {{"pid", child_.pid}, {"silent", rounded(now - beat)}, {"bound", to_string(bound)}});
  }
}

/// When the addresses go although the child is not dead yet.
std::optional<Instant> Watcher::let_go_at() const {
  if (child_.has_let_go) {
    return std::nullopt;
  }
  if (child_.dying_at) {
    return *child_.dying_at + kDyingPatience;
  }
  return child_.killed_at ? std::optional(*child_.killed_at + kKillPatience) : std::nullopt;
}

/// Once: a neighbour may count from the last one.
void Watcher::say_farewell() {
  if (!std::exchange(child_.has_said_farewell, true)) {
    carry_out(vrrp::Will::Kind::ip_packet);
  }
}

void Watcher::let_go() {
  if (!std::exchange(child_.has_let_go, true)) {
    carry_out(vrrp::Will::Kind::netlink_request);
  }
}

void Watcher::carry_out(vrrp::Will::Kind kind) {
  const vrrp::Will& will = record_->will();
  part_.clear();
  std::size_t offset = 0;
  while (const auto entry = will.next(offset)) {
    if (entry->kind == kind) {
      check(part_.append(*entry), "a part of a will fits into another");
    }
  }
  if (part_.empty()) {
    return;
  }
  const Instant begun = read_clock();
  const Result<> done = executor_.obstacle.empty() ? executor_.execute(part_) : Error{executor_.obstacle};
  const Duration took = read_clock() - begun;
  const std::string_view what = kind == vrrp::Will::Kind::ip_packet ? "farewell" : "addresses";
  if (done) {
    log(LogLevel::warning, "will_carried_out", {{"pid", child_.pid}, {"what", what}, {"took", rounded(took)}});
  } else {
    log(LogLevel::error, "will_failed", {{"pid", child_.pid}, {"what", what}, {"reason", done.error().text}});
  }
}

/// A service manager must not end the unit because the new life needs its time; for ever is too long.
bool Watcher::feeds_watchdog(Instant now) const {
  const bool between_lives = child_.pid == 0 || !record_->started();
  return watchdog_ && lives_ > 0 && between_lives && now < feed_until_;
}

void Watcher::feed_watchdog(Instant now) {
  if (feeds_watchdog(now) && now >= feed_at_) {
    service_notify("WATCHDOG=1");
    feed_at_ = now + *watchdog_;
  }
}

void Watcher::log(LogLevel level, std::string_view event, std::vector<LogField> fields) const {
  const LogEvent line_of{level, event, std::move(fields)};
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  std::string line = record_->log_format() == config::LogFormat::json ? format_json(line_of, now)
                                                                      : format_text(line_of, now, prefix_of_stderr());
  line += '\n';
  pollfd reader{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&reader, 1, 0) == 1 && (reader.revents & POLLOUT) != 0) {  // who does not read must not stop the watch
    static_cast<void>(::write(STDERR_FILENO, line.data(), line.size()));
  }
}

int watch(const WatcherOptions& options, const std::function<int(Lifeline&)>& serve, Executor executor) {
  Watcher watcher(options, std::move(executor));
  if (const Result<> opened = watcher.open(); !opened) {
    const std::string line = concat("tandem: ", opened.error().text, "\n");
    static_cast<void>(::write(STDERR_FILENO, line.data(), line.size()));
    return 1;
  }
  return watcher.run(serve);
}

int watch(const WatcherOptions& options, const std::function<int(Lifeline&)>& serve) {
  Executor executor;
  Result<vrrp::WillExecutor> opened = vrrp::WillExecutor::open();
  if (opened) {
    auto kernel = std::make_shared<vrrp::WillExecutor>(std::move(*opened));  // a std::function wants to be copied
    executor.execute = [kernel](const vrrp::Will& will) { return kernel->execute(will); };
  } else {
    executor.obstacle = opened.error().text;
  }
  return watch(options, serve, std::move(executor));
}

}  // namespace tandem::app
