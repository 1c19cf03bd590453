#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/log.hpp"
#include "base/time.hpp"
#include "config/config.hpp"

namespace tandem::app {

/// How the start of a line says when and how bad: for people, or for journald, which adds its own time.
enum class LinePrefix { time, syslog_priority };

/// What suits stderr: systemd.exec(5), JOURNAL_STREAM.
LinePrefix prefix_of_stderr();

/// One event as `key=value` text without a newline: `2026-01-31T12:00:00.000Z info  session client=… cause=client_fin`.
/// Values that hold spaces, quotes or control characters are quoted and escaped.
std::string format_text(const LogEvent& event, WallTime when, LinePrefix prefix);

/// One event as a JSON object on one line: {"time":…,"level":…,"event":…,fields…}.
std::string format_json(const LogEvent& event, WallTime when);

/// A log to stderr, written by a thread of its own through a bounded queue, so that no writer ever waits for the reader
/// of stderr; when the queue is full the oldest lines are lost and counted.
class LogOutput {
 public:
  LogOutput(config::LogFormat format, LogLevel lowest);
  ~LogOutput();
  LogOutput(const LogOutput&) = delete;
  LogOutput& operator=(const LogOutput&) = delete;

  /// Waits until everything that was logged is written, `patience` at the longest; whether it is. A reader of stderr
  /// that has stopped reading keeps the thread in write(2): then this object must not be destroyed either.
  [[nodiscard]] bool finish(Duration patience);

  /// Good while this object lives. Any thread.
  [[nodiscard]] const Log& log() const { return log_; }
  [[nodiscard]] std::size_t dropped() const;

 private:
  struct Queue;

  std::unique_ptr<Queue> queue_;
  Log log_;
};

}  // namespace tandem::app
