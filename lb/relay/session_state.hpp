#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "lb/options.hpp"
#include "lb/outcome.hpp"

namespace tandem::lb::relay {

/// The two ends of a session.
enum class End : std::uint8_t { client, backend };
constexpr End other(End end) noexcept { return end == End::client ? End::backend : End::client; }
constexpr std::size_t index(End end) noexcept { return static_cast<std::size_t>(end); }

/// Where a session is in its life. Each step is carried out by a part of its own.
enum class Phase : std::uint8_t {
  header,      // waits for the client's PROXY header
  choosing,    // a backend is being chosen
  waiting,     // on hold, or queued at a limit
  connecting,  // to a backend
  relaying,    // bytes go both ways
  flushing,    // one end was reset; the other gets the reset once it has what was received before
  closed,
};

/// What is to be done about the other end.
enum class Step : std::uint8_t {
  none,
  pass_fin,  // no more bytes will come: shut down writing
  close,     // both ways are finished: close both
  reset,     // reset both
};

/// How long silence is allowed, and since when.
struct Silence {
  Instant deadline;
  Cause cause;
  Step step;
};

/// The life of one session as a state machine: which step follows which, when a half-closed session ends, and with
/// which cause. Pure; the caller carries the steps out.
class SessionState {
 public:
  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  /// Only forward, but for retries: waiting and connecting go back to choosing. Anything else is a bug.
  void enter(Phase next);

  /// `end` sent a FIN and every byte before it has been passed on.
  [[nodiscard]] Step on_fin(End end);
  /// `end` was reset and what it sent before has been passed on as far as possible.
  [[nodiscard]] Step on_reset(End end);
  /// Did the FIN of `end` come?
  [[nodiscard]] bool finished(End end) const noexcept { return finished_[index(end)]; }

  /// `end` is dead, and the other one does not take what it sent before: it has as long as a half-closed session.
  void on_dying(End end) noexcept { dying_ = dying_ ? dying_ : std::optional(end); }
  [[nodiscard]] bool dying() const noexcept { return dying_.has_value(); }

  void on_bytes(End from, Instant now) noexcept {
    last_bytes_ = now;
    last_from_ = from;
  }
  /// When relaying ends for lack of bytes, were none to come from now on.
  [[nodiscard]] Silence silence(const ListenerOptions& options) const noexcept;

  /// Why it ended or is about to; the first cause stays.
  [[nodiscard]] std::optional<Cause> cause() const noexcept { return cause_; }
  void set_cause(Cause cause) noexcept {
    if (!cause_) {
      cause_ = cause;
    }
  }

 private:
  Phase phase_ = Phase::choosing;
  std::array<bool, 2> finished_{};
  std::optional<End> dying_;
  End last_from_ = End::backend;
  Instant last_bytes_{};
  std::optional<Cause> cause_;
};

}  // namespace tandem::lb::relay
