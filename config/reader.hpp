#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/host.hpp"

namespace tandem::config {

/// Something wrong in a file, with its place.
struct Problem {
  enum class Severity { warning, error };

  Severity severity = Severity::error;
  std::uint32_t line = 0;    // from 1; 0: the file as a whole
  std::uint32_t column = 0;  // from 1
  std::string text;

  friend bool operator==(const Problem&, const Problem&) = default;
};

/// "tandem.toml:31:1: error: unknown key …"
std::string to_string(const Problem& problem, std::string_view file);

/// What reading a file gave: a Config when there was no error, and every problem, in the file's order.
struct Reading {
  std::optional<Config> config;
  std::vector<Problem> problems;
};

/// The value of an environment variable, or nothing.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// Reads and validates a TOML text. Touches nothing else. With a host it also warns of what is not so there.
Reading read(std::string_view text, const Environment& environment, const std::optional<Host>& host = std::nullopt);

/// Reads a file, with the process's environment. A file that cannot be read is a problem too.
Reading read_file(const std::string& path, const std::optional<Host>& host = std::nullopt);

}  // namespace tandem::config
