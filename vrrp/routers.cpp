#include "vrrp/routers.hpp"

#include <algorithm>

namespace tandem::vrrp {
namespace {

constexpr std::size_t kDatagramsPerTurn = 64;  // of each instance: a flood must not keep us from our deadlines

bool is_in_the_way(const Standing& standing) {
  Inabilities own = standing.inabilities;
  own.reset(static_cast<std::size_t>(Inability::group_member));
  own.reset(static_cast<std::size_t>(Inability::shutting_down));
  return own.any();
}

}  // namespace

Routers::Routers(Platform& platform, const NodeHooks& hooks) : platform_(platform), hooks_(hooks) {}

void Routers::turn(Moment moment) {
  for (const auto& router : routers_) {
    router->notice_lateness(moment);
  }
  if (platform_.interfaces().refresh()) {
    for (const auto& router : routers_) {
      router->on_interfaces(moment);
    }
    settle_all(moment);
  }
  assess(moment);
  receive(moment);
  on_deadlines(moment);
  assess(moment);  // the kernel may have refused something meanwhile
  bequeath(moment);
}

std::optional<Instant> Routers::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& router : routers_) {
    const auto due = router->next_deadline();
    next = due && next ? std::min(*due, *next) : due ? due : next;
  }
  return next;
}

void Routers::receive(Moment moment) {
  for (std::size_t place = 0; place < routers_.size(); ++place) {
    for (std::size_t budget = kDatagramsPerTurn; budget > 0 && routers_[place]->receive(moment); --budget) {
      settle(place, moment);
    }
  }
}

void Routers::on_deadlines(Moment moment) {
  for (std::size_t place = 0; place < routers_.size(); ++place) {
    postpone(place, moment);
    routers_[place]->on_deadline(moment);
    settle(place, moment);
  }
}

/// A member of a group whose timer has run out does not take over while another one hears the active router: not the
/// peer is gone but one of the ways to it, and it would have to give all back at once.
void Routers::postpone(std::size_t place, Moment moment) {
  const StateMachine& machine = routers_[place]->machine();
  if (machine.state() != State::backup || machine.awaited() == Awaited::farewell || machine.stood_still(moment.now)) {
    return;
  }
  const auto due = machine.next_deadline();
  if (!due || *due > moment.now) {
    return;
  }
  for (const std::size_t sibling : siblings_[place]) {
    if (const auto until = routers_[sibling]->machine().hears_active_until(); until && *until > moment.now) {
      routers_[place]->postpone(*until);
    }
  }
}

/// Carries a change of state to the rest of the group: all of it is active or none.
void Routers::settle(std::size_t place, Moment moment) {
  const auto transition = routers_[place]->take_transition();
  if (!transition || siblings_[place].empty()) {
    return;
  }
  if (transition->to == State::active) {
    for (const std::size_t sibling : siblings_[place]) {
      routers_[sibling]->on_group_active(moment);
      static_cast<void>(routers_[sibling]->take_transition());
    }
    return;
  }
  const bool lost = transition->from == State::active && transition->to == State::backup && !transition->was_leaving;
  if (!lost) {
    return;
  }
  routers_[place]->on_group_yield(patience_[place], moment);
  for (const std::size_t sibling : siblings_[place]) {
    routers_[sibling]->on_group_yield(patience_[place], moment);
    static_cast<void>(routers_[sibling]->take_transition());
  }
}

void Routers::settle_all(Moment moment) {
  for (std::size_t place = 0; place < routers_.size(); ++place) {
    settle(place, moment);
  }
}

/// Brings a member that has just joined to where the group is.
void Routers::align(Moment moment) {
  for (std::size_t place = 0; place < routers_.size(); ++place) {
    const bool active = std::ranges::any_of(siblings_[place], [&](std::size_t sibling) {
      const StateMachine& machine = routers_[sibling]->machine();
      return machine.state() == State::active && !machine.is_leaving();
    });
    if (active) {
      routers_[place]->on_group_active(moment);
      static_cast<void>(routers_[place]->take_transition());
    }
  }
}

void Routers::assess(Moment moment) {
  const ServiceState service = hooks_.service ? hooks_.service(moment.now) : ServiceState{};
  for (std::size_t place = 0; place < routers_.size(); ++place) {
    standings_[place] = routers_[place]->standing(service);
  }
  for (std::size_t place = 0; place < routers_.size(); ++place) {
    combine(place);
  }
  for (std::size_t place = 0; place < routers_.size(); ++place) {
    routers_[place]->apply(standings_[place], moment);
  }
  settle_all(moment);
}

/// What holds one member of a group back holds all back; the whole group is worth what its least member is.
void Routers::combine(std::size_t place) {
  Standing& standing = standings_[place];
  for (const std::size_t sibling : siblings_[place]) {
    const Standing& other = standings_[sibling];
    if (is_in_the_way(other)) {
      standing.add(Inability::group_member, static_cast<std::uint32_t>(sibling));
    }
    standing.penalty = std::max(standing.penalty, other.penalty);
    standing.undecided = standing.undecided || other.undecided;
  }
}

void Routers::bequeath(Moment moment) {
  for (const auto& router : routers_) {
    will_changed_ = router->take_will_changed() || will_changed_;
  }
  if (!will_changed_ || !hooks_.deposit) {
    return;
  }
  will_changed_ = false;
  will_.clear();
  bool fits = true;
  // The addresses first: nobody serves any more, and two owners are worse than a moment without one.
  for (const auto& router : routers_) {
    fits = router->bequeath_addresses(will_) && fits;
  }
  for (const auto& router : routers_) {
    fits = router->bequeath_farewell(will_, moment) && fits;
  }
  static_cast<void>(fits);  // what found no room costs the peer its down interval, no more
  hooks_.deposit(will_);
}

void Routers::set_penalty(InstanceIndex instance, std::uint8_t penalty) {
  if (static_cast<std::size_t>(instance) < routers_.size()) {
    routers_[static_cast<std::size_t>(instance)]->set_cluster_penalty(penalty);
  }
}

void Routers::set_witness(InstanceIndex instance, Reach reach) {
  if (static_cast<std::size_t>(instance) < routers_.size()) {
    routers_[static_cast<std::size_t>(instance)]->set_witness(reach);
  }
}

void Routers::hand_over(InstanceIndex instance, Moment moment) {
  const auto place = static_cast<std::size_t>(instance);
  if (place >= routers_.size()) {
    return;
  }
  routers_[place]->hand_over(moment);
  for (const std::size_t sibling : siblings_[place]) {
    routers_[sibling]->hand_over(moment);
  }
}

void Routers::shut_down(Moment moment) {
  shutting_down_ = true;
  for (const auto& router : routers_) {
    router->shut_down();
  }
  assess(moment);
}

void Routers::stop(Moment moment) {
  shutting_down_ = true;
  for (const auto& router : routers_) {
    router->shut_down();
    router->stop(Cause::shutdown, moment);
    static_cast<void>(router->take_transition());
  }
  bequeath(moment);
}

void Routers::close() {
  routers_.clear();
  siblings_.clear();
  patience_.clear();
  standings_.clear();
}

bool Routers::is_shut_down() const {
  return shutting_down_ && std::ranges::all_of(routers_, [](const auto& router) {
           return router->machine().state() == State::initialize;
         });
}

void Routers::on_peer_leaving(const RouterKey& key, Moment moment) {
  for (std::size_t place = 0; place < routers_.size(); ++place) {
    if (routers_[place]->key() == key) {
      routers_[place]->on_invited(Cause::invited, moment);
      settle(place, moment);
    }
  }
}

void Routers::on_peer_active(const RouterKey& key, Moment moment) {
  for (const auto& router : routers_) {
    if (router->key() == key) {
      router->on_taken(moment);
    }
  }
}

void Routers::on_link_lost(Moment moment) {
  for (std::size_t place = 0; place < routers_.size(); ++place) {
    routers_[place]->on_link_lost(moment);
    settle(place, moment);
  }
}

}  // namespace tandem::vrrp
