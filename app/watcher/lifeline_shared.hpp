#pragma once

#include "app/watcher/life_record.hpp"
#include "app/watcher/lifeline.hpp"
#include "net/fd.hpp"

namespace tandem::app {

/// The serving process' ends of what it shares with its watcher.
struct Lifeline::Shared {
  Shared(LifeRecord& the_record, net::Fd the_watcher) : record(&the_record), watcher(std::move(the_watcher)) {}

  /// Makes the watcher look at the record now.
  void wake_watcher() const;

  LifeRecord* record;
  net::Fd watcher;  // a socket; the watcher says nothing on it, it only ends
};

}  // namespace tandem::app
