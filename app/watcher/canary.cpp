#include "app/watcher/canary.hpp"

#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <latch>
#include <system_error>
#include <thread>

#include "app/watcher/precedence.hpp"

namespace tandem::app {

namespace {

/// Not unshare(2), which containers forbid.
bool keep_only(int fd) {
  const auto kept = static_cast<unsigned>(fd);
  return ::close_range(kept + 1, ~0U, CLOSE_RANGE_UNSHARE) == 0 && (kept == 0 || ::close_range(0, kept - 1, 0) == 0);
}

void live(int end, std::latch& is_ready) {
  ::prctl(PR_SET_NAME, "canary", 0, 0, 0);
  sched_param parameters{};
  parameters.sched_priority = Precedence::kPriority;
  ::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters);  // where allowed; else it dies a little later
  if (!keep_only(end)) {
    is_ready.count_down();
    return;
  }
  const char word = '!';
  static_cast<void>(::send(end, &word, sizeof(word), MSG_DONTWAIT | MSG_NOSIGNAL));  // unheard, it is not believed
  is_ready.count_down();
  for (;;) {
    ::pause();
  }
}

}  // namespace

void keep_canary(net::Fd end) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);  // what the process is told, other threads hear
  std::latch is_ready(1);
  try {
    std::thread(live, end.get(), std::ref(is_ready)).detach();
    is_ready.wait();
  } catch (const std::system_error&) {
    // No more threads: the watcher sees the death when it is over.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace tandem::app
