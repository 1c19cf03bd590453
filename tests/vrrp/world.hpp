#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "tests/vrrp/fake_network.hpp"
#include "tests/vrrp/support.hpp"
#include "vrrp/routers.hpp"

namespace tandem::vrrp {

/// Whole nodes, but for their threads, on a fake network in virtual time. Two of them may have a peer link.
class World {
 public:
  struct Deposit {
    std::size_t addresses = 0;
    std::size_t farewells = 0;
    bool addresses_first = true;
    std::vector<std::byte> last_farewell;
  };

  explicit World(std::uint64_t seed = 1) : network_(seed) {}

  /// A node whose interfaces on `links` have the addresses 10.77.<link>.<node + 1>.
  std::size_t add_node(const std::vector<std::string>& links) {
    const std::size_t number = nodes_.size();
    FakeHost& host = network_.add_host();
    for (std::size_t link = 0; link < links.size(); ++link) {
      InterfaceState state;
      state.index = static_cast<std::uint32_t>(link + 2);
      state.up = true;
      state.source_v4 = IpAddress(
          std::array<std::uint8_t, 4>{10, 77, static_cast<std::uint8_t>(link), static_cast<std::uint8_t>(number + 1)});
      host.set_interface(links[link], state);
    }
    auto node = std::make_unique<Node>();
    node->host = &host;
    node->hooks.service = [this, number](Instant) { return nodes_[number]->service; };
    node->hooks.on_event = [this, number](const Event& event) { nodes_[number]->events.push_back(event); };
    node->hooks.on_leaving = [this, number](const RouterKey& key) { say(number, key, true); };
    node->hooks.on_active = [this, number](const RouterKey& key) { say(number, key, false); };
    node->hooks.deposit = [this, number](const Will& will) { nodes_[number]->deposit = read(will); };
    node->routers = std::make_unique<Routers>(host, node->hooks);
    nodes_.push_back(std::move(node));
    return number;
  }

  Result<> configure(std::size_t node, const std::vector<Options>& options) {
    nodes_[node]->options = options;
    Result<> done = nodes_[node]->routers->configure(options, moment());
    look();
    return done;
  }

  void set_link_delay(Duration delay) { link_delay_ = delay; }
  void lose_link(std::size_t node) {
    nodes_[node]->routers->on_link_lost(moment());
    look();
  }

  void run_until(Instant until) {
    for (int budget = 2'000'000; budget > 0; --budget) {
      std::optional<Instant> next = network_.next_arrival();
      for (const auto& node : nodes_) {
        if (!node->paused) {
          next = earlier(next, node->routers->next_deadline());
        }
      }
      if (!said_.empty()) {
        next = earlier(next, said_.front().at);
      }
      if (!next || *next > until) {
        advance(until);
        return;
      }
      advance(std::max(*next, network_.now()));
      static_cast<void>(network_.deliver());
      hear();
      for (const auto& node : nodes_) {
        if (!node->paused) {
          node->routers->turn(moment());
        }
      }
      look();
    }
    broken_rule_ = "the events come to an end";
  }
  void run_for(Duration duration) { run_until(network_.now() + duration); }

  /// It is gone, its watcher does what it has left behind; a farewell only where `says` so.
  void kill(std::size_t node) {
    for (const Options& options : nodes_[node]->options) {
      nodes_[node]->host->put_addresses(options.name, false);
    }
    nodes_[node]->paused = true;
    nodes_[node]->dead = true;
    look();
  }
  void pause(std::size_t node) { nodes_[node]->paused = true; }
  void resume(std::size_t node) {
    nodes_[node]->paused = false;
    nodes_[node]->routers->turn(moment());
    look();
  }
  void set_service(std::size_t node, const ServiceState& service) {
    nodes_[node]->service = service;
    turn(node);
  }
  void turn(std::size_t node) {
    nodes_[node]->routers->turn(moment());
    look();
  }

  [[nodiscard]] FakeNetwork& network() { return network_; }
  [[nodiscard]] FakeHost& host(std::size_t node) { return *nodes_[node]->host; }
  [[nodiscard]] Routers& routers(std::size_t node) { return *nodes_[node]->routers; }
  [[nodiscard]] Moment moment() const {
    return {network_.now(), WallTime(network_.now().time_since_epoch() + std::chrono::hours(24 * 365 * 50))};
  }
  [[nodiscard]] State state(std::size_t node, std::size_t instance = 0) const {
    return nodes_[node]->routers->router(instance).machine().state();
  }
  [[nodiscard]] InstanceFacts facts(std::size_t node, std::size_t instance = 0) const {
    return nodes_[node]->routers->router(instance).facts();
  }
  [[nodiscard]] std::vector<Event>& events(std::size_t node) { return nodes_[node]->events; }
  [[nodiscard]] std::size_t count(std::size_t node, EventKind kind) const {
    return static_cast<std::size_t>(std::ranges::count(nodes_[node]->events, kind, &Event::kind));
  }
  /// "initialize>backup:start backup>active:silence" of one instance.
  [[nodiscard]] std::string story(std::size_t node, std::size_t instance = 0) const {
    std::string text;
    for (const Event& event : nodes_[node]->events) {
      if (event.kind == EventKind::transition && static_cast<std::size_t>(event.instance) == instance) {
        text += concat(text.empty() ? "" : " ", name(event.from), ">", name(event.to), ":", name(event.cause));
      }
    }
    return text;
  }
  void forget() {
    for (const auto& node : nodes_) {
      node->events.clear();
    }
    gap_since_.clear();
    overlap_since_.clear();
    longest_gap_ = {};
    longest_overlap_ = {};
    look();
  }
  [[nodiscard]] const Deposit& deposit(std::size_t node) const { return nodes_[node]->deposit; }
  [[nodiscard]] Duration longest_gap() const { return longest_gap_; }
  [[nodiscard]] Duration longest_overlap() const { return longest_overlap_; }
  [[nodiscard]] const std::string& broken_rule() const { return broken_rule_; }

 private:
  struct Node {
    FakeHost* host = nullptr;
    NodeHooks hooks;
    std::unique_ptr<Routers> routers;
    std::vector<Options> options;
    std::vector<Event> events;
    ServiceState service;
    Deposit deposit;
    bool paused = false;
    bool dead = false;
  };
  struct Said {
    Instant at;
    std::size_t to = 0;
    RouterKey key;
    bool leaving = false;
  };

  static std::optional<Instant> earlier(const std::optional<Instant>& left, const std::optional<Instant>& right) {
    return left && right ? std::min(*left, *right) : left ? left : right;
  }

  void say(std::size_t from, const RouterKey& key, bool leaving) {
    if (link_delay_ && nodes_.size() == 2) {
      said_.push_back({network_.now() + *link_delay_, 1 - from, key, leaving});
    }
  }

  void hear() {
    while (!said_.empty() && said_.front().at <= network_.now()) {
      const Said said = said_.front();
      said_.pop_front();
      if (nodes_[said.to]->paused) {
        continue;
      }
      if (said.leaving) {
        nodes_[said.to]->routers->on_peer_leaving(said.key, moment());
      } else {
        nodes_[said.to]->routers->on_peer_active(said.key, moment());
      }
    }
  }

  static Deposit read(const Will& will) {
    Deposit deposit;
    std::size_t offset = 0;
    while (const auto entry = will.next(offset)) {
      if (entry->kind == Will::Kind::netlink_request) {
        ++deposit.addresses;
        deposit.addresses_first = deposit.addresses_first && deposit.farewells == 0;
      } else {
        ++deposit.farewells;
        deposit.last_farewell.assign(entry->bytes.begin(), entry->bytes.end());
      }
    }
    return deposit;
  }

  void advance(Instant to) {
    network_.set_now(to);
    measure();
  }

  void measure() {
    for (const auto& [instance, since] : gap_since_) {
      longest_gap_ = std::max(longest_gap_, network_.now() - since);
    }
    for (const auto& [instance, since] : overlap_since_) {
      longest_overlap_ = std::max(longest_overlap_, network_.now() - since);
    }
  }

  void look() {
    std::map<std::string, std::size_t> holders;
    for (std::size_t number = 0; number < nodes_.size(); ++number) {
      const Node& node = *nodes_[number];
      for (std::size_t place = 0; place < node.routers->size(); ++place) {
        const Router& router = node.routers->router(place);
        const bool holds = node.host->holds(router.options().name);
        holders[router.options().name] += holds ? 1 : 0;
        if (!node.dead && holds != (router.machine().state() == State::active) && watch_holding) {
          broken_rule_ =
              concat("node ", number, ", ", router.options().name, ": holds and is ", name(router.machine().state()));
        }
        look_at_group(node, place);
      }
    }
    for (const auto& [instance, count] : holders) {
      note(gap_since_, instance, count == 0);
      note(overlap_since_, instance, count > 1);
    }
  }

  void look_at_group(const Node& node, std::size_t place) {
    const Router& router = node.routers->router(place);
    for (std::size_t other = 0; other < node.routers->size() && !node.dead; ++other) {
      const Router& sibling = node.routers->router(other);
      const bool grouped =
          !router.options().sync_group.empty() && router.options().sync_group == sibling.options().sync_group;
      const bool leaving = router.machine().is_leaving() || sibling.machine().is_leaving();
      const bool split = (router.machine().state() == State::active) != (sibling.machine().state() == State::active);
      if (grouped && split && !leaving && !handing_over) {
        broken_rule_ = concat("group of ", router.options().name, " is split");
      }
    }
  }

  void note(std::map<std::string, Instant>& since, const std::string& instance, bool is) {
    if (!is) {
      since.erase(instance);
    } else {
      since.try_emplace(instance, network_.now());
    }
  }

 public:
  bool watch_holding = true;  // off while somebody meddles with the addresses
  bool handing_over = false;  // members of a group leave one by one

 private:
  FakeNetwork network_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::optional<Duration> link_delay_;
  std::deque<Said> said_;
  std::map<std::string, Instant> gap_since_;
  std::map<std::string, Instant> overlap_since_;
  Duration longest_gap_{};
  Duration longest_overlap_{};
  std::string broken_rule_;
};

/// An instance on `link`, whose number makes its id and its address.
inline Options instance(const std::string& name, const std::string& link, int priority,
                        Duration interval = Duration(std::chrono::milliseconds(100)), std::uint8_t number = 1) {
  Options options;
  options.name = name;
  options.interface = link;
  options.id = VirtualRouterId{number};
  options.priority = Priority{static_cast<std::uint8_t>(priority)};
  options.interval = interval;
  options.addresses = {
      {IpAddress(std::array<std::uint8_t, 4>{10, 77, static_cast<std::uint8_t>(number - 1), 100}), 24}};
  return options;
}

}  // namespace tandem::vrrp
