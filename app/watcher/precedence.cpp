#include "app/watcher/precedence.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "net/fd.hpp"

namespace tandem::app {

namespace {

constexpr const char* kOomScore = "/proc/self/oom_score_adj";

std::string read_oom_score() {
  const net::Fd file(::open(kOomScore, O_RDONLY | O_CLOEXEC));
  std::array<char, 16> text{};
  const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : 0;
  return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

void write_oom_score(std::string_view score) {
  const net::Fd file(::open(kOomScore, O_WRONLY | O_CLOEXEC));
  if (file) {
    static_cast<void>(::write(file.get(), score.data(), score.size()));  // where allowed, see the header
  }
}

}  // namespace

Precedence::Precedence()
    : policy_(::sched_getscheduler(0)), nice_(::getpriority(PRIO_PROCESS, 0)), oom_score_(read_oom_score()) {
  ::sched_getparam(0, &parameters_);
  sched_param wanted{};
  wanted.sched_priority = kPriority;
  // Reset on fork: a child that is not told anything does not run in real time either.
  ::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &wanted);
  write_oom_score("-1000");
  // What there is now; what it still allocates is little, and a limit (RLIMIT_MEMLOCK) must not end it later.
  ::mlockall(MCL_CURRENT);
}

void Precedence::give_back() const {
  if (policy_ >= 0 && (policy_ & ~SCHED_RESET_ON_FORK) != SCHED_OTHER) {
    ::sched_setscheduler(0, policy_, &parameters_);
  }
  if (nice_ != 0) {
    ::setpriority(PRIO_PROCESS, 0, nice_);
  }
  if (!oom_score_.empty()) {
    write_oom_score(oom_score_);
  }
}

}  // namespace tandem::app
