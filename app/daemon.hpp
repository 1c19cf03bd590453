#pragma once

#include <optional>
#include <string>

#include "base/log.hpp"
#include "config/config.hpp"

namespace tandem::app {

/// Whether another process watches the one that serves, gives its addresses away when it dies, and starts it anew.
enum class Watch { no, yes };

struct RunOptions {
  std::string config_file;
  std::optional<config::LogFormat> log_format;  // wins over the file
  std::optional<LogLevel> log_level;
  Watch watch = Watch::yes;
};

/// Serves until SIGTERM or SIGINT, in a process that this one watches; returns the exit status. Reasons for not
/// starting are on stderr. To be called while there is one thread.
int run_daemon(const RunOptions& options);

}  // namespace tandem::app
