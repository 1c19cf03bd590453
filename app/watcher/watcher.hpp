#pragma once

#include <functional>
#include <string>

#include "app/watcher/lifeline.hpp"
#include "app/watcher/restarts.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "vrrp/will.hpp"

namespace tandem::app {

struct WatcherOptions {
  config::LogFormat log_format =
      config::LogFormat::text;  // of its own few lines, until Lifeline::log_as() says another
  RestartOptions restarts;
};

/// Who carries out a will: the kernel's part opened in advance, or something else in tests.
struct Executor {
  std::function<Result<>(const vrrp::Will&)> execute;
  std::string obstacle;  // why it cannot; logged once, when there is a will
};

/// Forks the process that serves and watches it, until it has been told to end; returns the exit status. The child runs
/// `serve`, whose result is its exit status; it returns from here too, with that. Signals that come here are passed on.
/// When the child dies by anything, or hangs, its will is carried out at once and it is started anew, with a back-off;
/// a child that never came to serve is not. Who is killed while it ends gives 128 + signal. To be called while there is
/// one thread.
int watch(const WatcherOptions& options, const std::function<int(Lifeline&)>& serve);
int watch(const WatcherOptions& options, const std::function<int(Lifeline&)>& serve, Executor executor);

}  // namespace tandem::app
