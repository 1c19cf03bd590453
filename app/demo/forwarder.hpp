#pragma once

#include "base/address.hpp"
#include "base/result.hpp"
#include "net/fd.hpp"

namespace tandem::app::demo {

/// A listening socket on a free port of 127.0.0.1, in the network that the caller is in, for ever.
struct Doorway {
  net::Fd socket;
  Endpoint endpoint;

  static Result<Doorway> open();
};

/// Carries bytes between those who come to the door and `to` in the network that the caller is in now. What `to` lets
/// nobody do without a token, nobody can do through here: it sees a connection of its own loopback. Serves until the
/// process is killed.
void forward(const Doorway& door, const Endpoint& to);

}  // namespace tandem::app::demo
