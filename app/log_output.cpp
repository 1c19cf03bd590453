#include "app/log_output.hpp"

#include <spdlog/async.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/json.hpp>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "base/text.hpp"

namespace tandem::app {

namespace {

constexpr std::size_t kQueueLines = 32'768;

constexpr std::string_view name(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: break;
  }
  return "error";
}

/// sd-daemon(3): what journald reads at the start of a line.
constexpr std::string_view syslog_priority(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "<7>";
    case LogLevel::info: return "<6>";
    case LogLevel::warning: return "<4>";
    case LogLevel::error: break;
  }
  return "<3>";
}

std::string number_text(double number) {
  std::array<char, 32> out{};
  const auto [end, failure] = std::to_chars(out.data(), out.data() + out.size(), number);
  return failure == std::errc{} ? std::string(out.data(), end) : "nan";
}

bool needs_quotes(std::string_view text) {
  return text.empty() || text.find_first_of(" \"=\\") != std::string_view::npos ||
         text.find_first_of(std::string_view("\0\1\2\3\4\5\6\7\b\t\n\v\f\r\16\17\20\21\22\23\24\25\26\27\30\31\32\33\34"
                                             "\35\36\37\177",
                                             33)) != std::string_view::npos;
}

void append_quoted(std::string& out, std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  for (const char character : text) {
    const auto code = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      out += '\\';
      out += character;
    } else if (character == '\n') {
      out += "\\n";
    } else if (code < 0x20 || code == 0x7f) {
      out += "\\x";
      out += hex[code >> 4U];
      out += hex[code & 0xfU];
    } else {
      out += character;
    }
  }
  out += '"';
}

void append_value(std::string& out, const LogField& field) {
  if (const auto* text = std::get_if<std::string>(&field.value)) {
    if (needs_quotes(*text)) {
      append_quoted(out, *text);
    } else {
      out += *text;
    }
  } else if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
    out += std::to_string(*integer);
  } else if (const auto* truth = std::get_if<bool>(&field.value)) {
    out += *truth ? "true" : "false";
  } else {
    out += number_text(std::get<double>(field.value));
  }
}

/// Whether stderr is journald's.
bool stderr_is_the_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  return stream != nullptr && fstat(STDERR_FILENO, &status) == 0 &&
         concat(static_cast<std::uint64_t>(status.st_dev), ":", static_cast<std::uint64_t>(status.st_ino)) == stream;
}

/// One write(2) a line, so that lines of several writers do not mix, and a count of what is done with. One thread
/// writes.
class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  /// Any thread.
  [[nodiscard]] std::size_t written() const { return written_.load(std::memory_order_acquire); }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    line_.assign(message.payload.begin(), message.payload.end());
    line_ += '\n';
    std::string_view rest = line_;
    while (!rest.empty()) {
      const ssize_t count = ::write(STDERR_FILENO, rest.data(), rest.size());
      if (count < 0 && errno != EINTR && errno != EAGAIN) {
        break;  // nobody to tell
      }
      rest.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
    }
    written_.fetch_add(1, std::memory_order_release);  // release: pairs with whoever waits for the line to be out
  }
  void flush_() override {}

  std::string line_;
  std::atomic<std::size_t> written_{0};
};

}  // namespace

LinePrefix prefix_of_stderr() { return stderr_is_the_journal() ? LinePrefix::syslog_priority : LinePrefix::time; }

std::string format_text(const LogEvent& event, WallTime when, LinePrefix prefix) {
  std::string out;
  out.reserve(256);
  if (prefix == LinePrefix::syslog_priority) {
    out += syslog_priority(event.level);
  } else {
    out += to_string(when);
    out += ' ';
    out += name(event.level);
    out += ' ';
  }
  out += event.event;
  for (const LogField& field : event.fields) {
    out += ' ';
    out += field.key;
    out += '=';
    append_value(out, field);
  }
  return out;
}

std::string format_json(const LogEvent& event, WallTime when) {
  boost::json::object out;
  out["time"] = to_string(when);
  out["level"] = name(event.level);
  out["event"] = event.event;
  for (const LogField& field : event.fields) {
    std::visit([&](const auto& value) { out[field.key] = value; }, field.value);
  }
  return boost::json::serialize(out);
}

struct LogOutput::Queue {
  std::shared_ptr<spdlog::details::thread_pool> thread =
      std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1U);
  std::shared_ptr<StderrSink> sink = std::make_shared<StderrSink>();
  std::shared_ptr<spdlog::async_logger> logger =
      std::make_shared<spdlog::async_logger>("tandem", sink, thread, spdlog::async_overflow_policy::overrun_oldest);
  std::atomic<std::size_t> accepted{0};
};

LogOutput::LogOutput(config::LogFormat format, LogLevel lowest) : queue_(std::make_unique<Queue>()) {
  queue_->logger->set_pattern("%v");
  queue_->logger->set_level(spdlog::level::trace);
  const LinePrefix prefix = prefix_of_stderr();
  Queue& queue = *queue_;
  log_ = Log(
      [&queue, format, prefix](const LogEvent& event) {
        const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
        const std::string line =
            format == config::LogFormat::json ? format_json(event, now) : format_text(event, now, prefix);
        queue.accepted.fetch_add(1, std::memory_order_release);
        queue.logger->log(spdlog::level::info, spdlog::string_view_t(line));
      },
      lowest);
}

LogOutput::~LogOutput() = default;

bool LogOutput::finish(Duration patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (queue_->sink->written() + dropped() < queue_->accepted.load(std::memory_order_acquire)) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

std::size_t LogOutput::dropped() const { return queue_->thread->overrun_counter(); }

}  // namespace tandem::app
