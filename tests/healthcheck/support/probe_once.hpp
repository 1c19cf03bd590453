#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "healthcheck/options.hpp"
#include "healthcheck/probe/probe.hpp"
#include "healthcheck/target.hpp"

namespace tandem::healthcheck::testing {

struct Outcome {
  Verdict verdict;
  Evidence evidence = Evidence::counts;
  Duration took{0};
  int verdicts = 0;  // must be 1
};

Target target(const Endpoint& address, ProbeOptions options);

/// Runs one probe to its verdict and through its polite ending, at most 10 s.
Outcome probe_once(const Endpoint& address, const ProbeOptions& options);

}  // namespace tandem::healthcheck::testing
