#include "tests/vrrp/simulation.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"

namespace tandem::vrrp {
namespace {

constexpr Instant kEpoch{std::chrono::hours(1)};
constexpr std::size_t kEventsMax = 1'000'000;

}  // namespace

std::size_t Simulation::add_node(const Options& options, double drift) {
  Node node;
  node.options = options;
  node.self = IpAddress(std::array<std::uint8_t, 4>{10, 77, 0, static_cast<std::uint8_t>(nodes_.size() + 1)});
  node.rate = 1 + drift;
  nodes_.push_back(std::move(node));
  for (Node& each : nodes_) {
    each.losses_in_a_row.resize(nodes_.size());
  }
  return nodes_.size() - 1;
}

Instant Simulation::local(const Node& node, Instant at) const {
  return kEpoch + std::chrono::duration_cast<Duration>((at - kEpoch) * node.rate);
}

/// Rounded up, so that the local time has come at the global one.
Instant Simulation::global(const Node& node, Instant at) const {
  return kEpoch + std::chrono::duration_cast<Duration>((at - kEpoch) / node.rate) + 2ns;
}

std::optional<Instant> Simulation::next_deadline(const Node& node) const {
  if (!node.running || node.paused || !node.machine->next_deadline()) {
    return std::nullopt;
  }
  return std::max(now_, global(node, *node.machine->next_deadline()));
}

void Simulation::run_until(Instant until) {
  const auto later = [](const Flying& left, const Flying& right) {
    return std::pair(left.at, left.order) > std::pair(right.at, right.order);
  };
  for (std::size_t budget = kEventsMax; budget > 0; --budget) {
    std::optional<std::size_t> due;
    Instant next = until;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const auto at = next_deadline(nodes_[i]);
      if (at && *at < next) {
        due = i;
        next = *at;
      }
    }
    if (!flying_.empty() && flying_.front().at < next) {
      std::pop_heap(flying_.begin(), flying_.end(), later);
      const Flying flying = flying_.back();
      flying_.pop_back();
      advance(flying.at);
      deliver(flying);
    } else if (due) {
      advance(next);
      Node& node = nodes_[*due];
      carry_out(*due, node.machine->on_deadline(local(node, now_)));
    } else {
      advance(until);
      return;
    }
    look();
  }
  broken_rule_ = "the events come to an end";
}

void Simulation::partition(const std::vector<int>& sides) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].side = sides[i];
  }
  look();
}

void Simulation::start(std::size_t node) {
  Node& each = nodes_[node];
  each.machine.emplace(each.options, each.self);
  each.running = true;
  each.paused = false;
  each.waiting.clear();
  carry_out(node, each.machine->on_start(local(each, now_)));
  look();
}

void Simulation::kill(std::size_t node) {
  nodes_[node].running = false;
  nodes_[node].paused = false;
  nodes_[node].holds = false;
  nodes_[node].machine.emplace(nodes_[node].options, nodes_[node].self);
  look();
}

void Simulation::pause(std::size_t node) {
  nodes_[node].paused = nodes_[node].running;
  look();
}

void Simulation::resume(std::size_t node) {
  Node& each = nodes_[node];
  if (!std::exchange(each.paused, false)) {
    return;
  }
  for (const Advert& advert : std::exchange(each.waiting, {})) {
    carry_out(node, each.machine->on_advert(advert, local(each, now_)));
  }
  carry_out(node, each.machine->on_deadline(local(each, now_)));
  look();
}

void Simulation::set_hearing(std::size_t node, Hearing hearing) {
  nodes_[node].hearing = hearing;
  look();
}

void Simulation::shut_down(std::size_t node, Farewell farewell) {
  if (nodes_[node].running && !nodes_[node].paused) {
    carry_out(node, nodes_[node].machine->on_shutdown(farewell, local(nodes_[node], now_)));
    look();
  }
}

void Simulation::hand_over(std::size_t node) {
  if (nodes_[node].running && !nodes_[node].paused) {
    carry_out(node, nodes_[node].machine->on_handover(local(nodes_[node], now_)));
    look();
  }
}

std::vector<std::size_t> Simulation::holders() const {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].holds) {
      result.push_back(i);
    }
  }
  return result;
}

void Simulation::forget_measurements() {
  longest_overlap_ = {};
  longest_gap_ = {};
  overlap_since_.reset();
  gap_since_.reset();
  look();
}

void Simulation::carry_out(std::size_t from, const Actions& actions) {
  for (const Action& action : actions) {
    if (const auto* advert = std::get_if<SendAdvert>(&action)) {
      send(from, advert->priority);
    } else if (std::holds_alternative<AcquireAddresses>(action)) {
      nodes_[from].holds = true;
    } else if (std::holds_alternative<ReleaseAddresses>(action)) {
      nodes_[from].holds = false;
    } else if (std::holds_alternative<Announce>(action)) {
      last_announcer_ = from;
    }
  }
}

void Simulation::send(std::size_t from, Priority priority) {
  const Node& sender = nodes_[from];
  for (std::size_t to = 0; to < nodes_.size(); ++to) {
    if (to == from || nodes_[to].side != sender.side || !nodes_[to].running || nodes_[to].hearing == Hearing::no) {
      continue;
    }
    unsigned& lost = nodes_[to].losses_in_a_row[from];
    if (lost < kLossesInARow && random_.fraction() < network_.loss) {
      ++lost;
      continue;
    }
    lost = 0;
    const Advert advert{priority, sender.options.interval, sender.self};
    fly(to, advert);
    if (random_.fraction() < network_.duplication) {
      fly(to, advert);
    }
  }
}

void Simulation::fly(std::size_t to, const Advert& advert) {
  const auto delay = std::chrono::duration_cast<Duration>(network_.delay_max * random_.fraction());
  flying_.push_back({now_ + delay, sent_++, to, advert});
  std::push_heap(flying_.begin(), flying_.end(), [](const Flying& left, const Flying& right) {
    return std::pair(left.at, left.order) > std::pair(right.at, right.order);
  });
}

void Simulation::deliver(const Flying& flying) {
  Node& node = nodes_[flying.to];
  if (node.paused) {
    node.waiting.push_back(flying.advert);
  } else if (node.running) {
    carry_out(flying.to, node.machine->on_advert(flying.advert, local(node, now_)));
  }
}

bool Simulation::is_faulty() const {
  return std::ranges::any_of(nodes_, [&](const Node& node) {
    return node.running && (node.paused || node.hearing == Hearing::no || node.side != nodes_.front().side);
  });
}

void Simulation::advance(Instant to) {
  now_ = to;
  if (overlap_since_) {
    longest_overlap_ = std::max(longest_overlap_, now_ - *overlap_since_);
  }
  if (gap_since_) {
    longest_gap_ = std::max(longest_gap_, now_ - *gap_since_);
  }
}

void Simulation::look() {
  ++steps_;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    const bool active = node.running && node.machine->state() == State::active;
    if (node.holds != active && broken_rule_.empty()) {
      broken_rule_ = concat("node ", i, active ? " is active without" : " is not active and has", " the addresses");
    }
  }
  const auto count = std::ranges::count_if(nodes_, &Node::holds);
  if (count < 2 || is_faulty()) {
    overlap_since_.reset();
  } else if (!overlap_since_) {
    overlap_since_ = now_;
  }
  if (count > 0) {
    gap_since_.reset();
  } else if (!gap_since_) {
    gap_since_ = now_;
  }
}

}  // namespace tandem::vrrp
