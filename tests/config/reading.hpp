#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/reader.hpp"

namespace tandem::config {

/// A file of ten lines without a problem; tests add what they are about from line 11.
constexpr const char* kGood = R"([cluster.orders]
backends = [{ name = "pg-0", address = "10.0.1.10:5432" }]
[cluster.orders.probe]
type = "patroni"
[pool.orders]
cluster = "orders"
role = "primary"
[listener.orders]
bind = ["127.0.0.1:5000"]
pool = "orders"
)";

inline std::optional<std::string> no_environment(const std::string&) { return std::nullopt; }

/// The problems as people see them, of a file called t.toml.
inline std::vector<std::string> lines(const Reading& reading) {
  std::vector<std::string> out;
  for (const Problem& problem : reading.problems) {
    out.push_back(to_string(problem, "t.toml"));
  }
  return out;
}

}  // namespace tandem::config
