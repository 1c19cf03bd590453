#pragma once

#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace tandem::app {

/// Tells systemd something, as sd_notify(3) describes: "READY=1", "STATUS=…", several lines at once. Does nothing where
/// NOTIFY_SOCKET is not set, and neither waits nor fails: a supervisor that does not listen is no reason to stop.
void service_notify(std::string_view state);

/// How often systemd wants WATCHDOG=1: half of WATCHDOG_USEC, where it is meant for this process;
/// sd_watchdog_enabled(3).
std::optional<Duration> watchdog_interval();

}  // namespace tandem::app
