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

constexpr std::array<std::string_view, 10> kDatabaseEvents{
    "primary_lost",   "primary_changed",  "conflict_started", "conflict_settled", "conflict_unsettled",
    "conflict_ended", "fallback_started", "fallback_ended",   "epoch_backwards",  "stale_primary_refused"};

constexpr std::array<std::string_view, 9> kPairEvents{"vrrp_transition", "vrrp_contested", "vrrp_contest_over",
                                                      "vrrp_late",       "vrrp_repaired",  "vrrp_address_error",
                                                      "child_died",      "child_hangs",    "watcher_died"};

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

std::string worth_telling(std::string_view line, Teller teller) {
  // "2026-01-31T12:00:00.000Z info  primary_lost backend=db-1"
  const std::size_t level = line.find(' ');
  const std::size_t level_end = level == std::string_view::npos ? level : line.find(' ', level + 1);
  const std::size_t at = level_end == std::string_view::npos ? level_end : line.find_first_not_of(' ', level_end);
  if (at == std::string_view::npos) {
    return {};
  }
  const std::string_view text = line.substr(at);
  const std::string_view event = text.substr(0, text.find(' '));
  const bool of_pair = std::ranges::find(kPairEvents, event) != kPairEvents.end();
  const bool of_databases = std::ranges::find(kDatabaseEvents, event) != kDatabaseEvents.end();
  return of_pair || (of_databases && teller == Teller::active) ? std::string(text) : std::string();
}

std::string last_line(const std::string& file) {
  std::ifstream in(file);
  std::string last;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) {
      last = line;
    }
  }
  return last.empty() ? "nothing" : last;
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
