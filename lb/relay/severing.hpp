#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "base/time.hpp"
#include "lb/relay/command.hpp"
#include "lb/relay/session_table.hpp"
#include "lb/snapshot.hpp"

namespace tandem::lb::relay {

/// Does the order mean this session? Choices made after the order was given (a higher serial) are not meant.
[[nodiscard]] bool matches(const Sever& order, const Session& session, std::uint64_t last_serial);

/// The severs that a worker is carrying out: those at once in batches, so that it never stalls, and those spread over
/// a time.
class Severing {
 public:
  static constexpr std::uint32_t kPerTurn = 256;

  using EndSession = std::function<void(Session&, const Sever&)>;

  /// `publication` hears of the end of all severs at once that came with it; with none of them, now.
  void begin(const std::vector<Sever>& orders, std::shared_ptr<Publication> publication, std::uint64_t last_serial,
             SessionTable& sessions, Instant now);
  /// The order at once that means this session, which so does not live to its next byte.
  [[nodiscard]] const Sever* order_for(const Session& session) const;
  /// Carries out this turn's share.
  void run(SessionTable& sessions, Instant now, const EndSession& end);

  /// Is there more for the very next turn?
  [[nodiscard]] bool pressing() const noexcept { return !at_once_.empty(); }
  [[nodiscard]] std::optional<Instant> next_deadline() const;

 private:
  struct AtOnce {
    Sever order;
    std::uint64_t last_serial = 0;
    std::uint32_t next_slot = 0;
    std::shared_ptr<Publication> publication;  // with the last order of a publication only
  };
  struct Spread {
    Sever order;
    std::uint64_t last_serial = 0;
    std::uint32_t next_slot = 0;
    std::uint64_t total = 0;
    std::uint64_t done = 0;
    Instant began{};
  };

  void run_at_once(SessionTable& sessions, const EndSession& end);
  static bool run_spread(Spread& job, SessionTable& sessions, Instant now, const EndSession& end);

  std::list<AtOnce> at_once_;
  std::list<Spread> spread_;
  Instant next_spread_{};
};

}  // namespace tandem::lb::relay
