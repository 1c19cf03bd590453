#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "lb/relay/session.hpp"

namespace tandem::lb::relay {

/// The sessions of one worker, in numbered slots that are used again. A session that ended stays where it is until
/// sweep(), because events for it may be under way.
class SessionTable {
 public:
  Session& create();
  /// To be destroyed with the next sweep().
  void retire(Session& session) { retired_.push_back(session.slot); }
  void sweep();
  [[nodiscard]] bool any_retired() const noexcept { return !retired_.empty(); }

  /// Slots ever used; some may be empty.
  [[nodiscard]] std::uint32_t slots() const noexcept { return static_cast<std::uint32_t>(slots_.size()); }
  /// Null: empty.
  [[nodiscard]] Session* at(std::uint32_t slot) noexcept { return slots_[slot] ? &*slots_[slot]->session : nullptr; }

  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::uint32_t slot = 0; slot < slots(); ++slot) {
      if (Session* session = at(slot); session != nullptr && session->state.phase() != Phase::closed) {
        visit(*session);
      }
    }
  }

 private:
  /// Memory that is kept for the next session.
  struct Seat {
    std::optional<Session> session;
  };
  static constexpr std::size_t kSpareMax = 1024;

  std::vector<std::unique_ptr<Seat>> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> retired_;
  std::vector<std::unique_ptr<Seat>> spare_;
};

}  // namespace tandem::lb::relay
