#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace tandem::lb::relay {

/// Who waits longest, over all workers: since when the first client of each worker's line waits, by entry pool. So a
/// slot that one worker frees goes to the worker whose client came first. Any thread. Locked only while somebody
/// waits or begins to.
class WaitBoard {
 public:
  struct Place {
    PoolId entry{};
    WorkerId worker{};
  };

  explicit WaitBoard(std::size_t workers) : workers_(workers) {}

  /// The head of `worker`'s line for `entry` changed; nothing: the line is empty.
  void set_head(PoolId entry, WorkerId worker, std::optional<Instant> since);
  /// Does anybody wait? To be asked after a slot was freed; see the fence there.
  [[nodiscard]] bool anybody() const noexcept { return lines_in_use_.load(std::memory_order_seq_cst) != 0; }
  /// The line that waits longest among those whose entry pool is `interested`.
  [[nodiscard]] std::optional<Place> oldest(const std::function<bool(PoolId)>& interested) const;

 private:
  const std::size_t workers_;
  std::atomic<std::uint32_t> lines_in_use_{0};
  mutable std::mutex mutex_;
  std::unordered_map<PoolId, std::vector<std::optional<Instant>>> heads_;  // by worker
};

}  // namespace tandem::lb::relay
