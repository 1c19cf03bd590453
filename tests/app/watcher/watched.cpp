#include "watched.hpp"

#include <poll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <thread>

#include "base/check.hpp"

namespace tandem::app {

using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 20s;
constexpr unsigned kLifeAtMost = 60;  // seconds; a broken test leaves nothing behind

Notes* map_notes() {
  void* memory = ::mmap(nullptr, sizeof(Notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  check(memory != MAP_FAILED, "there is memory for notes");
  return new (memory) Notes;
}

Executor taking_notes(Notes& notes) {
  Executor executor;
  executor.execute = [&notes](const vrrp::Will& will) -> Result<> {
    std::size_t offset = 0;
    const auto entry = will.next(offset);
    notes.executed_tag = entry ? entry->interface : 0;
    notes.executed_ns = now_ns();
    ++notes.executed;
    return {};
  };
  return executor;
}

int run_watch(const Watched::Serve& serve, const Watched::Setting& setting, Notes& notes) {
  const auto noted = [&](Lifeline& lifeline) {
    ::alarm(kLifeAtMost);
    const int life = notes.lives;
    if (life < static_cast<int>(notes.births_ns.size())) {
      notes.births_ns[static_cast<std::size_t>(life)] = now_ns();
    }
    notes.child = ::getpid();
    ++notes.lives;
    return serve(lifeline, notes);
  };
  if (setting.kernel) {
    return watch(setting.options, noted);
  }
  return watch(setting.options, noted, setting.executor ? *setting.executor : taking_notes(notes));
}

}  // namespace

void Watched::Unmap::operator()(Notes* notes) const noexcept { ::munmap(notes, sizeof(Notes)); }

Watched::Watched(const Serve& serve, const Setting& setting)
    : notes_(map_notes()), log_(::memfd_create("log", MFD_CLOEXEC)), pid_(::fork()) {
  check(pid_ >= 0 && log_, "a process can be made");
  if (pid_ != 0) {
    return;
  }
  ::alarm(kLifeAtMost);
  ::dup2(log_.get(), STDERR_FILENO);
  try {
    if (setting.before) {
      setting.before();
    }
    std::_Exit(run_watch(serve, setting, *notes_));
  } catch (const std::exception&) {
    std::_Exit(99);
  }
}

Watched::~Watched() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    // Orphans now, and not ours to wait for. A number used anew meanwhile would take thousands of processes.
    if (notes_->child > 0) {
      ::kill(notes_->child, SIGKILL);
    }
  }
}

int Watched::end() {
  int status = 0;
  if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) {
    return -1;
  }
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

std::string Watched::log() const {
  std::array<char, 16'384> text{};
  const ssize_t size = ::pread(log_.get(), text.data(), text.size(), 0);
  return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

bool eventually(const std::function<bool()>& is_so) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return false;
    }
    std::this_thread::sleep_for(200us);
  }
  return true;
}

std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

vrrp::Will will_of(std::uint32_t tag) {
  vrrp::Will will;
  const std::array<std::byte, 4> bytes{};
  check(will.append({vrrp::Will::Kind::ip_packet, tag, IpAddress(std::array<std::uint8_t, 4>{192, 0, 2, 1}), bytes}),
        "it fits");
  return will;
}

int Service::operator()(Lifeline& lifeline, Notes& notes) const {
  sigset_t taken;
  sigemptyset(&taken);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) {
    sigaddset(&taken, signal);
  }
  sigprocmask(SIG_BLOCK, &taken, nullptr);
  const net::Fd signals(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  if (tag != 0) {
    lifeline.deposit(will_of(tag));
  }
  if (bound > Duration::zero()) {
    lifeline.expect_beats(bound);
  }
  lifeline.on_started();
  ++notes.serving;
  int ends = 0;
  while (ends < sigterms_to_end) {
    lifeline.beat(std::chrono::steady_clock::now());
    std::array<pollfd, 2> polled{};
    polled[0] = {signals.get(), POLLIN, 0};
    polled[1] = {lifeline.watcher_fd(), POLLIN, 0};
    static_cast<void>(::poll(polled.data(), polled.size(), 2));
    signalfd_siginfo signal{};
    while (::read(signals.get(), &signal, sizeof(signal)) == sizeof(signal)) {
      ++notes.signals[signal.ssi_signo];
      ends += signal.ssi_signo == SIGTERM || signal.ssi_signo == SIGINT ? 1 : 0;
    }
    if (polled[1].revents != 0) {
      notes.saw_watcher_end = true;
      return 7;
    }
  }
  return 0;
}

}  // namespace tandem::app
