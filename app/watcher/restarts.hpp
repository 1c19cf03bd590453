#pragma once

#include <algorithm>

#include "base/time.hpp"

namespace tandem::app {

struct RestartOptions {
  Duration first = std::chrono::milliseconds(100);  // after the first death; doubles with each one
  Duration longest = std::chrono::seconds(10);
  Duration served_long = std::chrono::seconds(60);  // a life as long as this makes the next death the first one
};

/// How long to wait before the dead process is started anew.
class Restarts {
 public:
  explicit Restarts(const RestartOptions& options) : options_(options), next_(options.first) {}

  /// `served` since it was started; zero for a life that never came to serve.
  [[nodiscard]] Duration on_death(Duration served) {
    if (served >= options_.served_long) {
      next_ = options_.first;
    }
    const Duration wait = next_;
    next_ = std::min(2 * next_, options_.longest);
    return wait;
  }

 private:
  RestartOptions options_;
  Duration next_;
};

}  // namespace tandem::app
