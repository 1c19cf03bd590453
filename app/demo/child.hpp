#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "net/fd.hpp"

namespace tandem::app::demo {

/// A process of ours. It dies with us, and a Ctrl-C of the terminal goes to us alone.
class Child {
 public:
  Child() = default;
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  /// Ends it at once.
  ~Child();

  /// Runs `work` and ends with status 0.
  static Result<Child> fork(const std::function<void()>& work);
  /// Runs a program in a network, whose output goes to the end of `log_file`.
  static Result<Child> run(const std::vector<std::string>& command, const std::string& log_file,
                           const net::Fd& network);

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Collects it if it has ended.
  [[nodiscard]] bool running();
  /// Ends it at once, as kill -9 does, and collects it.
  void kill();
  /// Of one that was collected and not killed by us; a signal that ended it counts as 128 and more.
  [[nodiscard]] std::optional<int> exit_status() const { return exit_status_; }
  /// Waits for its own end; kills it when that does not come within `patience`.
  void wait(Duration patience);

 private:
  explicit Child(pid_t pid) : pid_(pid) {}

  pid_t pid_ = 0;  // 0: none, or collected
  std::optional<int> exit_status_;
};

}  // namespace tandem::app::demo
