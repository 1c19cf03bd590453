#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "vrrp/moment.hpp"
#include "vrrp/node_hooks.hpp"
#include "vrrp/options.hpp"
#include "vrrp/platform.hpp"
#include "vrrp/router.hpp"
#include "vrrp/tracking.hpp"
#include "vrrp/will.hpp"

namespace tandem::vrrp {

/// All virtual routers of a node and what ties them together: the sync groups, the ability to serve, the will. Reads no
/// clock and waits for nothing. One thread; allocates only in configure() and where an interface appears.
class Routers {
 public:
  /// Both outlive it.
  Routers(Platform& platform, const NodeHooks& hooks);

  /// See Node::configure(). Whoever differs only in priority, preemption, tracking, witnesses, notify, checksum, keys
  /// or sync group takes that over in place; who differs otherwise gives its addresses away at once and starts anew.
  Result<> configure(const std::vector<Options>& options, Moment moment);

  /// Everything that is due: changes of interfaces, datagrams that wait, then deadlines that have passed.
  void turn(Moment moment);
  /// When the next turn has to come at the latest, if nothing becomes readable.
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  void set_penalty(InstanceIndex instance, std::uint8_t penalty);
  void set_witness(InstanceIndex instance, Reach reach);
  void hand_over(InstanceIndex instance, Moment moment);
  void shut_down(Moment moment);
  /// Gives everything away at once.
  void stop(Moment moment);
  /// After stop(): gives back what the routers had of the kernel.
  void close();
  /// Nothing is held any more after shut_down().
  [[nodiscard]] bool is_shut_down() const;

  void on_peer_leaving(const RouterKey& key, Moment moment);
  void on_peer_active(const RouterKey& key, Moment moment);
  void on_link_lost(Moment moment);

  [[nodiscard]] std::size_t size() const { return routers_.size(); }
  [[nodiscard]] const Router& router(std::size_t place) const { return *routers_[place]; }

 private:
  using List = std::vector<std::unique_ptr<Router>>;

  Result<> open_new(const std::vector<Options>& options, List& next);
  Result<> replace(const std::vector<Options>& options, List& next, Moment moment);
  void take_over(const std::vector<Options>& options, List& next, Moment moment);
  [[nodiscard]] std::unique_ptr<Router> make(const Options& options, std::size_t place);
  [[nodiscard]] std::size_t find(const std::string& name) const;
  [[nodiscard]] std::size_t find_rival(const Options& options) const;
  void form_groups();

  void assess(Moment moment);
  void combine(std::size_t place);
  void receive(Moment moment);
  void on_deadlines(Moment moment);
  void postpone(std::size_t place, Moment moment);
  void settle(std::size_t place, Moment moment);
  void settle_all(Moment moment);
  void align(Moment moment);
  void bequeath(Moment moment);

  Platform& platform_;
  const NodeHooks& hooks_;
  List routers_;
  std::vector<std::vector<std::size_t>> siblings_;  // of each, without itself
  std::vector<Patience> patience_;                  // of each, when it is the one that loses
  std::vector<Standing> standings_;
  bool shutting_down_ = false;
  Will will_;
  bool will_changed_ = false;
};

}  // namespace tandem::vrrp
