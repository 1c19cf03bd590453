#pragma once

#include <atomic>
#include <cstdint>

#include "base/result.hpp"

namespace tandem::app::demo {

/// What the embedded databases agree on, as real ones do in etcd: who is primary, at which timeline, how far the log
/// is. Lies in memory that all processes of the demo share; each number stands for itself, so relaxed would do, and the
/// default order costs nothing here.
struct Ledger {
  std::atomic<std::uint32_t> leader{0};
  std::atomic<std::uint32_t> timeline{1};
  std::atomic<std::uint64_t> position{0};  // writes taken
  std::atomic<bool> stop{false};           // clients finish what they are at and leave
};

/// The one Ledger of this process and of those it forks.
class SharedLedger {
 public:
  static Result<SharedLedger> create();
  SharedLedger(SharedLedger&& other) noexcept;
  SharedLedger& operator=(SharedLedger&&) = delete;
  SharedLedger(const SharedLedger&) = delete;
  SharedLedger& operator=(const SharedLedger&) = delete;
  ~SharedLedger();

  Ledger& operator*() const { return *ledger_; }
  Ledger* operator->() const { return ledger_; }

 private:
  explicit SharedLedger(Ledger* ledger) : ledger_(ledger) {}

  Ledger* ledger_;
};

}  // namespace tandem::app::demo
