#pragma once

#include <optional>
#include <string>

#include "base/time.hpp"

namespace tandem::app {

struct DemoOptions {
  std::optional<Duration> seconds;  // how long; default about 15 s
  std::string program;              // our own executable, which carries the traffic as `tandem run`
};

/// Starts three embedded databases, a node before them and two clients, kills the primary under them, and prints what
/// happens and what it cost. Needs no root and leaves nothing behind. Returns the exit status: 0 when no request
/// failed.
int run_demo(const DemoOptions& options);

}  // namespace tandem::app
