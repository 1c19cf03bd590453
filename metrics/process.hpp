#pragma once

#include <cstdint>
#include <optional>

#include "metrics/collection.hpp"

namespace tandem::metrics {

/// What the kernel says of this process. A value that cannot be read is missing.
struct ProcessUsage {
  std::optional<double> cpu_seconds;
  std::optional<std::uint64_t> open_fds;
  std::optional<std::uint64_t> max_fds;
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> virtual_bytes;
  std::optional<double> start_time;  // seconds since 1970
};

/// Reads /proc/self. Any thread.
[[nodiscard]] ProcessUsage read_process_usage();

/// Adds the process_* metrics that are there.
void add(Collection& collection, const ProcessUsage& usage);

}  // namespace tandem::metrics
