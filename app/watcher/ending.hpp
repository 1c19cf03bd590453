#pragma once

#include <optional>
#include <string>

namespace tandem::app {

/// A life of the serving process that is over.
struct Ending {
  int wait_status = 0;  // of waitpid(2)
  bool first_life = false;
  bool had_started = false;  // it came to serve
  bool told_to_end = false;
};

/// What the watcher exits with now; nothing: it starts the process anew.
std::optional<int> exit_status_after(const Ending& ending);

/// "SIGKILL", "status 1".
std::string cause_of(int wait_status);

}  // namespace tandem::app
