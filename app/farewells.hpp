#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "lb/snapshot.hpp"

namespace tandem::app {

/// Sessions of listeners, pools and backends that a reload removed: they may end by themselves for nine tenths of the
/// drain timeout; over the last tenth the rest is severed. Pure. Control thread.
class Farewells {
 public:
  void add(lb::Sever sever, Instant now, Duration drain_timeout) {
    sever.cause = lb::Cause::severed_drain;
    sever.over = drain_timeout / 10;
    due_.push_back({now + drain_timeout - sever.over, sever});
  }

  /// Forgets and returns those whose time has come.
  std::vector<lb::Sever> due(Instant now) {
    std::vector<lb::Sever> out;
    std::erase_if(due_, [&](const Due& one) {
      if (one.at > now) {
        return false;
      }
      out.push_back(one.sever);
      return true;
    });
    return out;
  }

  [[nodiscard]] std::optional<Instant> next_deadline() const {
    std::optional<Instant> next;
    for (const Due& one : due_) {
      if (!next || one.at < *next) {
        next = one.at;
      }
    }
    return next;
  }

 private:
  struct Due {
    Instant at;
    lb::Sever sever;
  };

  std::vector<Due> due_;
};

}  // namespace tandem::app
