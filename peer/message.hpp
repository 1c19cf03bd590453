#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/role.hpp"
#include "base/time.hpp"

namespace tandem::peer {

/// A virtual router by what both nodes agree on.
struct Router {
  IpAddress::Family family = IpAddress::Family::v4;
  std::uint8_t id = 1;

  friend bool operator==(const Router&, const Router&) = default;
};

/// The first thing each end says. A newer node may say more than this one understands; what both understand counts.
struct Hello {
  std::uint16_t protocol = 1;  // the newest that the sender speaks; the lower of the two is spoken
  std::string node;
  std::string version;    // of the program, for people
  std::uint64_t run = 0;  // drawn by each start of a node anew: who is who, and which of the two chooses a connection

  friend bool operator==(const Hello&, const Hello&) = default;
};

/// Said once by the node with the higher `run`, on the one connection of both that is kept.
struct Chosen {
  friend bool operator==(const Chosen&, const Chosen&) = default;
};

/// I am leaving this router, or have left it: take it now.
struct Leaving {
  Router router;

  friend bool operator==(const Leaving&, const Leaving&) = default;
};

/// I have it.
struct Active {
  Router router;

  friend bool operator==(const Active&, const Active&) = default;
};

/// The link ends on purpose, which says nothing about any address.
struct Goodbye {
  friend bool operator==(const Goodbye&, const Goodbye&) = default;
};

/// I am there; are you?
struct Ping {
  std::uint64_t number = 0;

  friend bool operator==(const Ping&, const Ping&) = default;
};

/// The answer to a Ping, with its number.
struct Pong {
  std::uint64_t number = 0;

  friend bool operator==(const Pong&, const Pong&) = default;
};

/// What the sender knows of one backend.
struct BackendHint {
  std::string cluster;
  std::string backend;
  std::string address;  // "10.0.1.10:5432": a hint about another address is none
  bool up = false;
  Role role = Role::none;
  std::optional<std::uint64_t> epoch;
  std::optional<std::uint64_t> lag_bytes;
  std::optional<Duration> lag_time;
  bool takes_reads = true;
  std::string reason;
  std::string breaker;               // "closed", "open", "half_open"; empty: it has none
  Duration age{0};                   // since the sender's probe said so
  std::optional<Duration> promoted;  // how long ago the sender saw it become primary

  friend bool operator==(const BackendHint&, const BackendHint&) = default;
};

/// An operator's word on a backend.
struct OverrideHint {
  std::string cluster;
  std::string backend;
  std::string state;  // "drain"; "ready": taken back; "promote": of two primaries this one
  std::string who;
  std::string reason;
  Duration age{0};                // since it was said
  std::optional<Duration> lasts;  // from now; none: until it is taken back

  friend bool operator==(const OverrideHint&, const OverrideHint&) = default;
};

/// Part of the sender's view; whatever is not named has not changed since the last one. After a connect everything is
/// named, in one or several of these.
struct View {
  std::vector<BackendHint> backends;
  std::vector<OverrideHint> overrides;

  friend bool operator==(const View&, const View&) = default;
};

using Message = std::variant<Hello, Chosen, Leaving, Active, Goodbye, Ping, Pong, View>;

}  // namespace tandem::peer
