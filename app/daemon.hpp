#pragma once

#include <optional>
#include <string>

#include "base/log.hpp"
#include "config/config.hpp"

namespace tandem::app {

struct RunOptions {
  std::string config_file;
  std::optional<config::LogFormat> log_format;  // wins over the file
  std::optional<LogLevel> log_level;
};

/// Serves until SIGTERM or SIGINT; returns the exit status. Reasons for not starting are on stderr.
int run_daemon(const RunOptions& options);

}  // namespace tandem::app
