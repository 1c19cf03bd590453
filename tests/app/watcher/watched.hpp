#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/watcher/watcher.hpp"
#include "net/fd.hpp"

namespace tandem::app {

/// What the processes of a test tell each other; in shared memory.
struct Notes {
  std::atomic<pid_t> child{0};  // of the present life
  std::atomic<int> lives{0};
  std::array<std::atomic<std::int64_t>, 16> births_ns{};  // of CLOCK_MONOTONIC, by life
  std::atomic<int> serving{0};                            // lives that have come to serve
  std::array<std::atomic<int>, 64> signals{};             // received by a child
  std::atomic<int> executed{0};
  std::atomic<std::int64_t> executed_ns{0};
  std::atomic<std::uint32_t> executed_tag{0};
  std::atomic<bool> saw_watcher_end{false};
  std::atomic<bool> may_start{false};  // for a child that waits with it
  std::array<char, 1024> text{};
  std::atomic<bool> text_ready{false};
};

/// A watcher in a process of its own, with what it watches. The destructor ends both.
class Watched {
 public:
  using Serve = std::function<int(Lifeline&, Notes&)>;

  struct Setting {
    WatcherOptions options;
    std::function<void()> before;      // in the watcher's process, first of all
    std::optional<Executor> executor;  // else one that takes notes
    bool kernel = false;               // the real one
  };

  explicit Watched(const Serve& serve) : Watched(serve, Setting{}) {}
  Watched(const Serve& serve, const Setting& setting);
  ~Watched();
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] Notes& notes() const { return *notes_; }
  /// The exit status; 1000 + signal when it was killed; -1 when it does not end within some seconds.
  int end();
  /// What was written to stderr so far.
  [[nodiscard]] std::string log() const;

 private:
  struct Unmap {
    void operator()(Notes* notes) const noexcept;
  };

  std::unique_ptr<Notes, Unmap> notes_;
  net::Fd log_;
  pid_t pid_ = 0;
};

/// Whether it comes true within some seconds.
bool eventually(const std::function<bool()>& is_so);
std::int64_t now_ns();

/// A will of one entry that names `tag`.
vrrp::Will will_of(std::uint32_t tag);

/// Serves, beats if a bound is given, counts signals; ends by so many SIGTERM or SIGINT, or when its watcher is gone.
struct Service {
  Duration bound{};
  std::uint32_t tag = 0;  // of its will; 0: none
  int sigterms_to_end = 1;

  int operator()(Lifeline& lifeline, Notes& notes) const;
};

}  // namespace tandem::app
