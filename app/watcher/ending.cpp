#include "app/watcher/ending.hpp"

#include <sys/wait.h>

#include <csignal>
#include <cstring>

#include "base/text.hpp"

namespace tandem::app {

std::optional<int> exit_status_after(const Ending& ending) {
  const bool exited = WIFEXITED(ending.wait_status);
  if (exited && WEXITSTATUS(ending.wait_status) == 0) {
    return 0;
  }
  const bool could_not_start = ending.first_life && !ending.had_started;  // it has said why, and would say it again
  if (!ending.told_to_end && !could_not_start) {
    return std::nullopt;
  }
  if (exited) {
    return WEXITSTATUS(ending.wait_status);
  }
  const int signal = WTERMSIG(ending.wait_status);
  const bool stopped_early = ending.told_to_end && !ending.had_started && (signal == SIGTERM || signal == SIGINT);
  return stopped_early ? 0 : 128 + signal;  // 128 + signal: what a shell would say
}

std::string cause_of(int wait_status) {
  if (WIFEXITED(wait_status)) {
    return concat("status ", WEXITSTATUS(wait_status));
  }
  const char* name = ::sigabbrev_np(WTERMSIG(wait_status));
  return name != nullptr ? concat("SIG", name) : concat("signal ", WTERMSIG(wait_status));
}

}  // namespace tandem::app
