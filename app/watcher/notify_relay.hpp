#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.hpp"
#include "net/fd.hpp"

namespace tandem::app {

/// systemd believes the main process of a service, which is the watcher (NotifyAccess=main). So the serving process
/// gets a notification socket of ours, and what it says there is passed on word by word. One thread.
class NotifyRelay {
 public:
  /// The error is the cause.
  static Result<NotifyRelay> open();

  /// Readable when something is to be passed on.
  [[nodiscard]] int fd() const { return socket_.get(); }
  /// Passes on what `process`, and nobody else, has said; 0: nobody.
  void pass_on(pid_t process) const;
  /// In the serving process, while it has one thread: sets the environment that sd_notify(3) and
  /// sd_watchdog_enabled(3) read. `watcher` is whom the service manager has started.
  void lead_here(pid_t watcher) const;

 private:
  NotifyRelay(net::Fd socket, std::string name);

  net::Fd socket_;
  std::string name_;  // as NOTIFY_SOCKET has it
};

}  // namespace tandem::app
