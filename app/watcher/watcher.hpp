#pragma once

#include <functional>

#include "app/watcher/lifeline.hpp"
#include "config/config.hpp"

namespace tandem::app {

struct WatcherOptions {
  config::LogFormat log_format = config::LogFormat::text;  // of its own few lines
};

/// Forks the process that serves and watches it, until it has been told to end; returns the exit status. The child runs
/// `serve`, whose result is its exit status. Signals that come here are passed on. When the child dies by anything, or
/// hangs, its will is carried out at once and it is started anew, with a back-off; a child that never came to serve is
/// not. To be called while there is one thread.
int watch(const WatcherOptions& options, const std::function<int(Lifeline&)>& serve);

}  // namespace tandem::app
