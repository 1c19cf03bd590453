#pragma once

#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "lb/relay/session.hpp"
#include "lb/relay/wait_board.hpp"

namespace tandem::lb::relay {

/// The clients of one worker that wait for a backend, one line per entry pool in order of arrival: those on hold
/// because nobody is eligible, and those queued at a limit. Keeps the board of all workers up to date.
class WaitingRoom {
 public:
  WaitingRoom(WaitBoard& board, WorkerId worker) : board_(board), worker_(worker) {}

  /// Takes its place by its time of arrival; who was here before and comes back is not put behind.
  void join(Session& session);
  void leave(Session& session);
  [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }
  [[nodiscard]] bool has_line(PoolId entry) const { return lines_.contains(entry); }
  /// First in line, null when there is no line.
  [[nodiscard]] Session* head(PoolId entry) const;
  [[nodiscard]] Session* tail(PoolId entry) const;

  /// A connect for this line just failed: nobody of it should try before `until`.
  void rest(PoolId entry, Instant until);
  [[nodiscard]] bool rests(PoolId entry, Instant now) const;
  /// Everything may be different now.
  void end_rests();

  /// The entry pools that somebody waits for. Good until the next call.
  [[nodiscard]] const std::vector<PoolId>& entries();

 private:
  struct Line {
    Session* first = nullptr;
    Session* last = nullptr;
    Instant rests_until{};
  };

  void publish(PoolId entry, const Line& line);

  WaitBoard& board_;
  WorkerId worker_;
  std::unordered_map<PoolId, Line> lines_;
  std::vector<PoolId> entries_;
};

}  // namespace tandem::lb::relay
