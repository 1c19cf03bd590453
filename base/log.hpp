#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace tandem {

enum class LogLevel : int { debug, info, warning, error };

/// One `key=value` of a log line.
struct LogField {
  std::string_view key;  // a literal
  std::variant<std::string, std::int64_t, double, bool> value;

  LogField(std::string_view name, std::string_view text) : key(name), value(std::string(text)) {}
  LogField(std::string_view name, const char* text) : key(name), value(std::string(text)) {}
  LogField(std::string_view name, std::string text) : key(name), value(std::move(text)) {}
  LogField(std::string_view name, bool truth) : key(name), value(truth) {}
  LogField(std::string_view name, double number) : key(name), value(number) {}
  template <class Integer>
  requires(std::is_integral_v<Integer> && !std::is_same_v<Integer, bool>)
      LogField(std::string_view name, Integer number)
      : key(name), value(static_cast<std::int64_t>(number)) {}
};

/// One event, one line. `event` is a word like `session` or `backend_down`.
struct LogEvent {
  LogLevel level = LogLevel::info;
  std::string_view event;  // a literal
  std::vector<LogField> fields;
};

/// Where events go. Any thread may write; the sink that `app` gives it does not block. Whoever handles an error logs
/// it, once; pure code does not log.
class Log {
 public:
  using Sink = std::function<void(const LogEvent&)>;

  /// Swallows everything.
  Log() = default;
  Log(Sink sink, LogLevel lowest) : sink_(std::move(sink)), lowest_(std::make_shared<std::atomic<LogLevel>>(lowest)) {}

  /// Ask before building an expensive event.
  [[nodiscard]] bool enabled(LogLevel level) const noexcept {
    return sink_ && level >= lowest_->load(std::memory_order_relaxed);  // relaxed: a reload may be noticed a line late
  }

  /// From now on, for every copy of this log.
  void set_lowest(LogLevel lowest) const {
    if (lowest_) {
      lowest_->store(lowest, std::memory_order_relaxed);
    }
  }

  void write(LogLevel level, std::string_view event, std::vector<LogField> fields) const {
    if (enabled(level)) {
      sink_(LogEvent{level, event, std::move(fields)});
    }
  }
  void debug(std::string_view event, std::vector<LogField> fields = {}) const {
    write(LogLevel::debug, event, std::move(fields));
  }
  void info(std::string_view event, std::vector<LogField> fields = {}) const {
    write(LogLevel::info, event, std::move(fields));
  }
  void warning(std::string_view event, std::vector<LogField> fields = {}) const {
    write(LogLevel::warning, event, std::move(fields));
  }
  void error(std::string_view event, std::vector<LogField> fields = {}) const {
    write(LogLevel::error, event, std::move(fields));
  }

 private:
  Sink sink_;
  std::shared_ptr<std::atomic<LogLevel>> lowest_;
};

}  // namespace tandem
