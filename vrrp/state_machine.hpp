#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/address.hpp"
#include "base/time.hpp"
#include "vrrp/action.hpp"
#include "vrrp/advert.hpp"
#include "vrrp/announcement_schedule.hpp"
#include "vrrp/options.hpp"

namespace tandem::vrrp {

enum class State : std::uint8_t { initialize, backup, active };

/// "initialize", "backup", "active".
std::string_view name(State state);

/// How an active router leaves.
enum class Farewell : std::uint8_t {
  keep_until_taken,  // keeps the addresses until the peer is heard and a little longer, or for one second: nobody waits
  at_once,           // it cannot serve: somebody else must
};

/// What a backup's timer stands for.
enum class Awaited : std::uint8_t {
  silence,     // of the active router
  farewell,    // it has said goodbye: only the skew is left
  preemption,  // a lower one is active, and is to be relieved
};

/// How a member of a sync group that gives up takes farewells and invitations.
enum class Patience : std::uint8_t {
  usual,     // waits for the skew after one, or not at all
  extended,  // waits for the whole down interval whatever is said: of two groups that give up at once one has to be
             // slower
};

/// One virtual router of RFC 9568 section 6, version 2's of RFC 3768 section 6. Reads no clock and opens no socket: the
/// caller passes the time in and carries the returned actions out. It holds the addresses if and only if it is active.
/// Adverts that wait in a socket are to be handed over before a deadline that has passed.
class StateMachine {
 public:
  /// Reads id, addresses and peers from nowhere: of `options` it uses what the election needs. `self` is where its
  /// adverts come from, which breaks ties.
  StateMachine(const Options& options, const IpAddress& self);

  /// From initialize to backup, or for an owner to active.
  [[nodiscard]] Actions on_start(Instant now);
  [[nodiscard]] Actions on_advert(const Advert& advert, Instant now);
  [[nodiscard]] Actions on_deadline(Instant now);
  /// To initialize; when active, after the farewell.
  [[nodiscard]] Actions on_shutdown(Farewell farewell, Instant now);
  /// Gives the addresses to the peer and stays backup: it does not preempt until it has been active again. When nobody
  /// takes them within a second, it keeps them.
  [[nodiscard]] Actions on_handover(Instant now);
  /// The peer says outside of VRRP that it leaves: a backup takes over at once. To anybody else it means nothing.
  [[nodiscard]] Actions on_invited(Instant now);
  /// The peer says outside of VRRP that it has the addresses: who is leaving lets go. For anybody else the election
  /// decides.
  [[nodiscard]] Actions on_taken(Instant now);
  /// Another member of its sync group is active now: a backup becomes active as well.
  [[nodiscard]] Actions on_group_active(Instant now);
  /// Another member has lost its addresses: gives its own away at once and stays backup. It does not preempt until it
  /// has been active again.
  [[nodiscard]] Actions on_group_yield(Patience patience, Instant now);
  /// Another member still hears the active router: a backup whose timer has run out waits until then.
  void postpone(Instant until);
  /// What it tracks has changed its worth; 1 to 255.
  [[nodiscard]] Actions on_priority(Priority priority, Instant now);
  /// The interface's primary address is another one.
  void on_self(const IpAddress& self) { self_ = self; }
  /// Takes over what changes nothing about who is active now: whether it preempts, and when.
  void on_preempt(Preempt preempt, Duration delay);

  /// Empty while in initialize.
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  [[nodiscard]] State state() const { return state_; }
  /// Has said goodbye and still holds the addresses.
  [[nodiscard]] bool is_leaving() const { return leave_at_.has_value(); }
  /// While leaving: the peer has the addresses, ours go in a moment.
  [[nodiscard]] bool is_taken() const { return taken_; }
  /// False: nobody else was heard since the start, maybe because multicast is filtered.
  [[nodiscard]] bool has_heard_anybody() const { return heard_anybody_; }
  [[nodiscard]] Priority priority() const { return priority_; }
  [[nodiscard]] Awaited awaited() const { return awaited_; }
  /// Until when a backup takes the active router for alive, whatever the other members of its sync group miss: two
  /// intervals from its last advert; after the start until its first election.
  [[nodiscard]] std::optional<Instant> hears_active_until() const { return hears_active_until_; }
  /// For how long the thread stood still, when that is longer than a backup's patience: somebody else may be active.
  [[nodiscard]] std::optional<Duration> stood_still(Instant now) const;
  /// Three intervals of the active router and the skew: how long a backup waits.
  [[nodiscard]] Duration active_down_interval() const;

 private:
  enum class AfterLeaving : std::uint8_t { initialize, backup };

  [[nodiscard]] Duration skew_time() const;
  [[nodiscard]] bool was_late(Instant now) const;
  [[nodiscard]] bool preempts(const Advert& advert, Instant now);
  [[nodiscard]] bool outranks_us(const Advert& advert) const;

  void become_active(Instant now, Actions& actions);
  void become_backup(Instant now);
  void step_down(Instant now, Actions& actions);
  void leave(AfterLeaving then, Instant now, Actions& actions);
  void linger(Instant now);
  void stay(Instant now, Actions& actions);
  void let_go(Instant now, Actions& actions);
  void listen_to(const Advert& advert, Instant now);

  void on_advert_as_backup(const Advert& advert, Instant now);
  void on_advert_as_active(const Advert& advert, Instant now, Actions& actions);
  void on_advert_while_leaving(const Advert& advert, Instant now, Actions& actions);
  void on_deadline_as_active(Instant now, Actions& actions);

  Version version_;
  Priority priority_;
  Duration interval_;
  Preempt preempt_;
  Duration preempt_delay_;
  Duration startup_delay_;
  IpAddress self_;

  State state_ = State::initialize;
  Duration active_interval_;         // Active_Adver_Interval
  Instant timer_;                    // backup: Active_Down_Timer; active: Adver_Timer; while leaving: the farewell's
  std::optional<Instant> leave_at_;  // active: when it lets go at the latest
  bool taken_ = false;               // while leaving: the peer was heard, what is left is the linger
  AfterLeaving after_leaving_ = AfterLeaving::initialize;
  std::optional<Instant> preempt_from_;        // backup: since when a lower active router is heard, and the delay
  bool starting_ = false;                      // the startup delay is running, and nobody was heard
  bool handed_over_ = false;                   // does not preempt
  Patience patience_ = Patience::usual;        // backup, until an active router is heard
  Awaited awaited_ = Awaited::silence;         // backup
  std::optional<Instant> hears_active_until_;  // backup
  bool heard_anybody_ = false;
  AnnouncementSchedule announcements_;
};

}  // namespace tandem::vrrp
