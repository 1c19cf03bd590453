#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace tandem::app::demo {

enum class Tone { plain, good, bad, quiet };

/// Prints what happens, a line each with its time; in colour on a terminal unless NO_COLOR is set.
class Story {
 public:
  explicit Story(Duration begin);

  void tell(Duration now, Tone tone, std::string_view text) const;
  void print(std::string_view text) const;

 private:
  Duration begin_;
  bool colour_;
};

/// Which of the two nodes says it. Both see the databases; the active one tells of them.
enum class Teller { active, standby };

/// What of a line of a node's log belongs into the story: "primary_lost backend=db-1 ..."; empty for other lines.
std::string worth_telling(std::string_view line, Teller teller);

/// The last line of a file that is not empty; for errors.
std::string last_line(const std::string& file);

/// Follows a node's log file.
class LogTail {
 public:
  explicit LogTail(std::string file) : file_(std::move(file)) {}

  /// The complete lines that came since the last call.
  std::vector<std::string> read();

 private:
  std::string file_;
  std::streamoff read_to_ = 0;
};

}  // namespace tandem::app::demo
