#include "metrics/process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

namespace tandem::metrics {

namespace {

/// Fields of proc(5) /proc/pid/stat after the command's name, which may hold blanks and brackets; `[0]` is field 3.
std::optional<std::vector<std::string>> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  if (!std::getline(file, line)) {
    return std::nullopt;
  }
  const auto command_end = line.rfind(')');
  if (command_end == std::string::npos) {
    return std::nullopt;
  }
  std::istringstream rest(line.substr(command_end + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) {
    fields.push_back(field);
  }
  constexpr std::size_t fields_min = 22;  // up to field 24, rss
  return fields.size() < fields_min ? std::nullopt : std::optional(fields);
}

std::optional<std::uint64_t> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    std::uint64_t seconds = 0;
    if (word == "btime" && file >> seconds) {
      return seconds;
    }
  }
  return std::nullopt;
}

std::uint64_t unsigned_of(const std::string& field) { return std::strtoull(field.c_str(), nullptr, 10); }

std::optional<std::uint64_t> count_open_fds() {
  std::error_code error;
  std::uint64_t count = 0;
  std::filesystem::directory_iterator entry("/proc/self/fd", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    ++count;
  }
  if (error || count == 0) {
    return std::nullopt;
  }
  return count - 1;  // one is the directory itself
}

}  // namespace

ProcessUsage read_process_usage() {
  ProcessUsage usage;
  usage.open_fds = count_open_fds();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    usage.max_fds = limit.rlim_cur;
  }
  const auto fields = stat_fields();
  if (!fields) {
    return usage;
  }
  const auto field = [&](std::size_t number) { return unsigned_of((*fields)[number - 3]); };  // as proc(5) numbers them
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  usage.cpu_seconds = static_cast<double>(field(14) + field(15)) / ticks;
  usage.virtual_bytes = field(23);
  usage.resident_bytes = field(24) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  if (const auto boot = boot_time()) {
    usage.start_time = static_cast<double>(*boot) + static_cast<double>(field(22)) / ticks;
  }
  return usage;
}

void add(Collection& collection, const ProcessUsage& usage) {
  const auto add_if = [&](Metric metric, const auto& value) {
    if (value) {
      collection.add(metric, {}, static_cast<double>(*value));
    }
  };
  add_if(Metric::process_cpu_seconds_total, usage.cpu_seconds);
  add_if(Metric::process_open_fds, usage.open_fds);
  add_if(Metric::process_max_fds, usage.max_fds);
  add_if(Metric::process_resident_memory_bytes, usage.resident_bytes);
  add_if(Metric::process_virtual_memory_bytes, usage.virtual_bytes);
  add_if(Metric::process_start_time_seconds, usage.start_time);
}

}  // namespace tandem::metrics
