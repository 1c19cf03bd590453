#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/demo/client.hpp"
#include "base/time.hpp"

namespace tandem::app::demo {

/// Counts what became of the requests, and what each killed primary cost. Pure; times are since the clock's beginning.
class Tally {
 public:
  struct Count {
    std::uint64_t good = 0;
    std::uint64_t failed = 0;
    std::uint64_t sent_again = 0;
    std::uint64_t by_primary = 0;
    Duration slowest{0};
  };
  /// One killed primary.
  struct Failover {
    std::string killed;
    std::string promoted;
    Duration killed_at{0};
    Duration promoted_at{0};
    std::optional<Duration> last_write_before;
    std::optional<Duration> first_write_after;  // by the promoted one

    /// From the last good write before to the first one after.
    [[nodiscard]] std::optional<Duration> write_outage() const;
    /// From the promotion to the first good write.
    [[nodiscard]] std::optional<Duration> noticed_after() const;
  };

  void on_record(const Record& record);
  void on_killed(std::string name, Duration now);
  void on_promoted(std::string name, Duration now);

  [[nodiscard]] const Count& of(RequestKind kind) const { return kind == RequestKind::write ? writes_ : reads_; }
  [[nodiscard]] const std::vector<Failover>& failovers() const { return failovers_; }
  [[nodiscard]] bool anything_failed() const { return writes_.failed + reads_.failed > 0; }
  /// Waiting for the first write on the promoted one.
  [[nodiscard]] bool write_awaited() const;
  /// Lines for people.
  [[nodiscard]] std::string report() const;

 private:
  Count writes_;
  Count reads_;
  std::uint32_t timeline_ = 0;  // the newest that took a write
  std::optional<Duration> last_write_;
  std::vector<Failover> failovers_;
};

}  // namespace tandem::app::demo
