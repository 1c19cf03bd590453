#include "peer/session.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace tandem::peer {

namespace {

/// A link that stood for so long was a good one: the next calls begin without a rest.
constexpr Duration kSteadyAfter = std::chrono::seconds{2};
/// A rest is so much longer at most, so that two nodes do not keep in step.
constexpr double kJitter = 0.5;

}  // namespace

Session::Session(Hello self, SessionOptions options, std::uint64_t seed)
    : self_(std::move(self)), options_(options), random_(seed), rest_(options.rest_min) {}

Session::Connection* Session::find(ConnectionId id) {
  const auto found = std::ranges::find(connections_, id, &Connection::id);
  return found == connections_.end() ? nullptr : &*found;
}

void Session::drop(ConnectionId id) {
  std::erase_if(connections_, [id](const Connection& connection) { return connection.id == id; });
}

Actions Session::on_start(Instant now) {
  call_at_ = now;
  return on_deadline(now);
}

std::pair<std::optional<ConnectionId>, Actions> Session::on_accepted(Source source, Instant now) {
  Actions actions;
  const auto unproven = std::ranges::count_if(
      connections_, [](const Connection& c) { return c.origin == Origin::accepted && c.phase != Phase::linked; });
  if (static_cast<std::size_t>(unproven) >= options_.unproven_max) {
    // the oldest gives way, strangers first, and never somebody at the peer's address for a stranger
    const auto outranks = [](const Connection& a, const Connection& b) {
      return a.source != b.source ? a.source == Source::stranger : a.since < b.since;
    };
    const Connection* victim = nullptr;
    for (const Connection& connection : connections_) {
      if (connection.origin == Origin::accepted && connection.phase != Phase::linked &&
          (victim == nullptr || outranks(connection, *victim))) {
        victim = &connection;
      }
    }
    if (victim == nullptr || (victim->source == Source::peer && source == Source::stranger)) {
      return {std::nullopt, std::move(actions)};
    }
    const ConnectionId id = victim->id;
    drop(id);
    actions.emplace_back(Close{id, {}});
  }
  const ConnectionId id{++ids_};
  connections_.push_back({id, Origin::accepted, source, Phase::opening, now, {}});
  return {id, std::move(actions)};
}

Actions Session::on_connected(ConnectionId id, Instant now) {
  Actions actions;
  if (Connection* connection = find(id); connection != nullptr && connection->phase == Phase::opening) {
    connection->phase = Phase::greeting;
    connection->since = now;
    actions.emplace_back(Send{id, self_});
  }
  return actions;
}

void Session::on_bytes(ConnectionId id, Instant now) {
  if (link_ == id) {
    heard_ = now;
  }
}

Actions Session::on_message(ConnectionId id, Message message, Instant now) {
  Actions actions;
  Connection* connection = find(id);
  if (connection == nullptr) {
    return actions;
  }
  on_bytes(id, now);
  if (auto* hello = std::get_if<Hello>(&message)) {
    on_hello(*connection, std::move(*hello), now, actions);
  } else if (std::holds_alternative<Chosen>(message)) {
    on_chosen(*connection, now, actions);
  } else if (std::holds_alternative<Goodbye>(message)) {
    on_goodbye(id, now, actions);
  } else if (connection->phase == Phase::linked) {
    on_link_message(std::move(message), now, actions);
  } else {
    refuse(id, "it speaks before the hellos are through", now, actions);
  }
  return actions;
}

void Session::on_hello(Connection& connection, Hello hello, Instant now, Actions& actions) {
  if (connection.phase != Phase::greeting) {
    refuse(connection.id, "it says hello twice", now, actions);
    return;
  }
  if (hello.run == self_.run) {
    // also the answer to somebody in between who sends our calls back to us
    refuse(connection.id, "this is the node itself: address must be the other node's", now, actions);
    return;
  }
  if (hello.run == gone_) {
    refuse(connection.id, {}, now, actions);
    return;
  }
  connection.peer = std::move(hello);
  connection.phase = Phase::waiting;
  connection.since = now;
  if (!is_chooser(connection)) {
    return;  // the other node chooses
  }
  if (link_ && peer_.run == connection.peer.run) {
    return;  // one too many: the other node closes it, or else has lost the link, which shows here before long
  }
  choose(connection, now, actions);
}

void Session::on_chosen(Connection& connection, Instant now, Actions& actions) {
  if (connection.phase != Phase::waiting || is_chooser(connection)) {
    refuse(connection.id, "it chooses where it has no choice", now, actions);
    return;
  }
  become_link(connection.id, now, actions);
  // the other node has made its choice: what is left of ours to it is in vain
  std::vector<ConnectionId> spare;
  for (const Connection& other : connections_) {
    if (other.phase != Phase::linked && (other.origin == Origin::called || other.phase == Phase::waiting)) {
      spare.push_back(other.id);
    }
  }
  for (const ConnectionId id : spare) {
    drop(id);
    actions.emplace_back(Close{id, {}});
  }
}

void Session::choose(Connection& connection, Instant now, Actions& actions) {
  const ConnectionId id = connection.id;
  actions.emplace_back(Send{id, Chosen{}});
  become_link(id, now, actions);
  std::vector<ConnectionId> spare;
  for (const Connection& other : connections_) {
    if (other.phase != Phase::linked && other.origin == Origin::called) {
      spare.push_back(other.id);
    }
  }
  for (const ConnectionId called : spare) {
    drop(called);
    actions.emplace_back(Close{called, {}});
  }
}

void Session::become_link(ConnectionId id, Instant now, Actions& actions) {
  if (link_) {
    const ConnectionId old = *link_;
    end_link(Ending::lost, peer_.run == find(id)->peer.run ? "the peer has lost it" : "the peer has started anew", now,
             actions);
    drop(old);
    actions.emplace_back(Close{old, {}});
  }
  Connection& connection = *find(id);
  connection.phase = Phase::linked;
  link_ = id;
  peer_ = connection.peer;
  up_since_ = now;
  heard_ = now;
  ping_at_ = now;
  round_trip_.reset();
  call_at_.reset();
  actions.emplace_back(Up{id});
}

void Session::on_link_message(Message message, Instant now, Actions& actions) {
  if (const auto* ping = std::get_if<Ping>(&message)) {
    actions.emplace_back(Send{*link_, Pong{ping->number}});
  } else if (const auto* pong = std::get_if<Pong>(&message)) {
    if (pong->number == pings_) {
      round_trip_ = now - pinged_at_;
    }
  } else {
    actions.emplace_back(Deliver{std::move(message)});
  }
}

void Session::on_goodbye(ConnectionId id, Instant now, Actions& actions) {
  if (link_ == id) {
    end_link(Ending::goodbye, "the peer said goodbye", now, actions);
  }
  const Connection leaving = *find(id);
  std::vector<ConnectionId> vain = {id};
  if (leaving.phase == Phase::linked || leaving.phase == Phase::waiting) {
    gone_ = leaving.peer.run;
    for (const Connection& other : connections_) {
      if (other.id != id && other.phase == Phase::waiting && other.peer.run == gone_) {
        vain.push_back(other.id);
      }
    }
  }
  for (const ConnectionId one : vain) {
    drop(one);
    actions.emplace_back(Close{one, {}});
  }
  look_for_link(now, actions);
}

void Session::end_link(Ending ending, std::string_view reason, Instant now, Actions& actions) {
  const Duration lasted = now - up_since_;
  if (lasted >= kSteadyAfter) {
    rest_ = options_.rest_min;
  }
  link_.reset();
  round_trip_.reset();
  actions.emplace_back(Down{ending, std::string(reason), lasted});
}

void Session::refuse(ConnectionId id, std::string reason, Instant now, Actions& actions) {
  if (link_ == id) {
    end_link(Ending::lost, reason, now, actions);
  }
  drop(id);
  actions.emplace_back(Close{id, std::move(reason)});
  look_for_link(now, actions);
}

Actions Session::on_closed(ConnectionId id, std::string_view reason, Instant now) {
  Actions actions;
  if (find(id) == nullptr) {
    return actions;
  }
  drop(id);
  if (link_ == id) {
    end_link(Ending::lost, reason, now, actions);
  }
  look_for_link(now, actions);
  return actions;
}

void Session::look_for_link(Instant now, Actions& actions) {
  if (link_) {
    return;
  }
  for (Connection& connection : connections_) {
    if (connection.phase == Phase::waiting && is_chooser(connection)) {
      choose(connection, now, actions);
      return;
    }
  }
  const bool calling =
      std::ranges::any_of(connections_, [](const Connection& c) { return c.origin == Origin::called; });
  if (calling || call_at_) {
    return;
  }
  const auto longest = std::chrono::duration_cast<Duration>(options_.rest_max / (1 + kJitter));
  const auto longer = std::chrono::duration_cast<Duration>(rest_ * (kJitter * random_.fraction()));
  call_at_ = now + rest_ + longer;
  rest_ = std::min(2 * rest_, longest);
}

Actions Session::on_deadline(Instant now) {
  Actions actions;
  std::vector<ConnectionId> late;
  for (const Connection& connection : connections_) {
    if (connection.phase != Phase::linked && now >= connection.since + options_.greeting) {
      late.push_back(connection.id);
    }
  }
  for (const ConnectionId id : late) {
    if (Connection* connection = find(id); connection != nullptr && connection->phase != Phase::linked) {
      // one that waits in vain has done nothing wrong
      refuse(id, connection->phase == Phase::waiting ? "" : "it does not finish its hello", now, actions);
    }
  }
  if (link_ && now >= heard_ + options_.silence) {
    const ConnectionId id = *link_;
    end_link(Ending::lost, concat("nothing heard for ", rounded(now - heard_)), now, actions);
    drop(id);
    actions.emplace_back(Close{id, {}});
    look_for_link(now, actions);
  }
  if (link_ && now >= ping_at_) {
    pinged_at_ = now;
    ping_at_ = now + options_.ping_interval;
    actions.emplace_back(Send{*link_, Ping{++pings_}});
  }
  if (call_at_ && now >= *call_at_) {
    call_at_.reset();
    const ConnectionId id{++ids_};
    connections_.push_back({id, Origin::called, Source::peer, Phase::opening, now, {}});
    actions.emplace_back(Call{id});
  }
  return actions;
}

Actions Session::on_stop() {
  Actions actions;
  for (const Connection& connection : connections_) {
    if (connection.phase != Phase::opening) {
      actions.emplace_back(Send{connection.id, Goodbye{}});  // to the other node it may be the link already
    }
    actions.emplace_back(Close{connection.id, {}});
  }
  connections_.clear();
  link_.reset();
  call_at_.reset();
  return actions;
}

Instant Session::next_deadline() const {
  Instant next = Instant::max();
  for (const Connection& connection : connections_) {
    if (connection.phase != Phase::linked) {
      next = std::min(next, connection.since + options_.greeting);
    }
  }
  if (link_) {
    next = std::min({next, heard_ + options_.silence, ping_at_});
  }
  return call_at_ ? std::min(next, *call_at_) : next;
}

}  // namespace tandem::peer
