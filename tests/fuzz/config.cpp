// The reader of the TOML file: never crashes, and every problem has a place within the text.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "config/diff.hpp"
#include "config/reader.hpp"
#include "config/report.hpp"

using namespace tandem;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto environment = [](const std::string& name) {
    return name == "SET" ? std::optional<std::string>("hunter2") : std::nullopt;
  };
  const config::Reading reading = config::read(text, environment);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  bool errors = false;
  for (const config::Problem& problem : reading.problems) {
    errors |= problem.severity == config::Problem::Severity::error;
    check(problem.line <= lines && problem.column <= size + 1, "a problem lies within the text");
    check(text.find("hunter2") != std::string_view::npos || problem.text.find("hunter2") == std::string::npos,
          "what a variable holds is not printed");
  }
  check(errors != reading.config.has_value(), "a file is good or has errors");
  if (reading.config) {
    check(config::diff(*reading.config, *reading.config).empty(), "a file does not differ from itself");
  }
  config::check_text(reading, "fuzz.toml", config::Colour::no);
  config::check_json(reading, "fuzz.toml");
  return 0;
}
