#pragma once

#include <optional>

#include "base/address.hpp"
#include "lb/options.hpp"
#include "lb/outcome.hpp"

namespace tandem::lb::relay {

/// May this client connect? `deny` is asked first, an empty `allow` means everybody. With PROXY protocol it is the
/// header's source that is asked.
[[nodiscard]] bool admits(const ListenerOptions& options, const IpAddress& client);

/// May a PROXY header come from this address of the socket?
[[nodiscard]] bool may_send_proxy_header(const ListenerOptions& options, const IpAddress& peer);

/// What the peer's address alone decides.
[[nodiscard]] std::optional<Rejection> judge_peer(const ListenerOptions& options, const IpAddress& peer);

}  // namespace tandem::lb::relay
