#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "healthcheck/target.hpp"
#include "healthcheck/verdict.hpp"

namespace tandem::healthcheck {

/// How a program ended.
struct ExecResult {
  enum class How { exited, signalled };

  How how = How::exited;
  int code = 0;        // exit status, or the signal's number
  std::string output;  // stdout and stderr, the first 4 KiB
};

/// Exit status 0 is reachable; the reason is the first line of output that is not empty, else the status. Pure.
Verdict judge_exec(const ExecResult& result);

/// The program's whole environment, "NAME=value": PATH, what it is to probe (TANDEM_CLUSTER, TANDEM_BACKEND,
/// TANDEM_ADDRESS, TANDEM_PORT, TANDEM_TIMEOUT in seconds), then what the options add or replace. Pure.
std::vector<std::string> exec_environment(const Target& target, const ProbeOptions& options);

}  // namespace tandem::healthcheck
