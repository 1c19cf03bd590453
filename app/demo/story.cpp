#include "app/demo/story.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "base/text.hpp"

namespace tandem::app::demo {

namespace {

constexpr std::array<std::string_view, 10> kEvents{
    "primary_lost",   "primary_changed",  "conflict_started", "conflict_settled", "conflict_unsettled",
    "conflict_ended", "fallback_started", "fallback_ended",   "epoch_backwards",  "stale_primary_refused"};

std::string_view colour_of(Tone tone) {
  switch (tone) {
    case Tone::good: return "\x1b[32m";
    case Tone::bad: return "\x1b[31m";
    case Tone::quiet: return "\x1b[2m";
    case Tone::plain: break;
  }
  return "";
}

}  // namespace

Story::Story(Duration begin)
    : begin_(begin), colour_(isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr) {}

void Story::tell(Duration now, Tone tone, std::string_view text) const {
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  std::array<char, 32> time{};
  std::snprintf(time.data(), time.size(), "%7.2fs  ", seconds);
  const bool coloured = colour_ && tone != Tone::plain;
  print(concat(time.data(), coloured ? colour_of(tone) : "", text, coloured ? "\x1b[0m" : "", "\n"));
}

void Story::print(std::string_view text) const {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

std::string worth_telling(std::string_view line) {
  for (const std::string_view event : kEvents) {
    const std::size_t at = line.find(concat(" ", event, " "));
    if (at != std::string_view::npos) {
      return std::string(line.substr(at + 1));
    }
  }
  return {};
}

std::vector<std::string> LogTail::read() {
  std::vector<std::string> lines;
  std::ifstream file(file_);
  file.seekg(read_to_);
  std::string line;
  while (std::getline(file, line) && !file.eof()) {
    read_to_ += static_cast<std::streamoff>(line.size() + 1);
    lines.push_back(line);
  }
  return lines;
}

}  // namespace tandem::app::demo
