#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/demo/client.hpp"
#include "base/time.hpp"

namespace tandem::app::demo {

/// Whose answers tell how long an incident lasted for the clients.
enum class Measured : std::uint8_t { everybody, writes };

/// Something that was done to the service, and what it cost.
struct Incident {
  std::string what;
  Measured measured = Measured::everybody;
  Duration at{0};
  std::optional<Duration> ended;
  Duration silence{0};       // the longest time without a good answer
  bool answered = false;     // a request that began after it was answered
  std::uint64_t failed = 0;  // requests under way in it that failed
  std::optional<Duration> promoted_at;
  std::optional<Duration> first_write_after;  // the promotion
};

/// Counts what became of the requests, and what each incident cost. Pure; times are since the clock's beginning.
class Tally {
 public:
  struct Count {
    std::uint64_t good = 0;
    std::uint64_t failed = 0;
    std::array<std::uint64_t, 5> outcomes{};  // by Outcome
    std::uint64_t by_primary = 0;
    Duration slowest{0};
  };

  /// In the order in which the requests finished.
  void on_record(const Record& record);
  /// Ends the one before.
  void begin(std::string what, Measured measured, Duration now);
  void on_promoted(Duration now);
  void end(Duration now);

  [[nodiscard]] const Count& of(RequestKind kind) const { return kind == RequestKind::write ? writes_ : reads_; }
  [[nodiscard]] const std::vector<Incident>& incidents() const { return incidents_; }
  /// Requests that failed while nothing was done to the service.
  [[nodiscard]] std::uint64_t unexplained() const { return unexplained_; }
  /// Writes that an older primary took after a newer one had taken some: lost, whatever their answer said.
  [[nodiscard]] std::uint64_t stale_writes() const { return stale_writes_; }
  /// Lines for people.
  [[nodiscard]] std::string report() const;

 private:
  void on_good(const Record& record);
  void on_failed(const Record& record);
  [[nodiscard]] bool under_way() const { return !incidents_.empty() && !incidents_.back().ended; }

  Count writes_;
  Count reads_;
  std::uint32_t timeline_ = 0;  // the newest that took a write
  std::uint64_t stale_writes_ = 0;
  std::uint64_t unexplained_ = 0;
  std::optional<Duration> last_good_;
  std::optional<Duration> last_write_;
  std::vector<Incident> incidents_;
};

/// "8.1ms without an answer, 1 request failed"
std::string cost_of(const Incident& incident);

}  // namespace tandem::app::demo
