#pragma once

#include <optional>

#include "base/address.hpp"
#include "lb/options.hpp"
#include "lb/outcome.hpp"
#include "net/fd.hpp"

namespace tandem::lb::relay {

/// What an errno of connect() or SO_ERROR says of the backend; `local`: nothing, the trouble is ours.
[[nodiscard]] ConnectFailure connect_failure(int error) noexcept;
/// With which cause a session ends whose last connect failed so.
[[nodiscard]] Cause cause_of(ConnectFailure failure) noexcept;

/// A connect that began.
struct BegunConnect {
  net::Fd fd;
  bool complete = false;                  // at once; else the socket becomes writable
  std::optional<ConnectFailure> failure;  // failed at once; there is no fd then
};

/// Starts connecting, with the listener's keepalive and no-delay settings.
[[nodiscard]] BegunConnect begin_connect(const Endpoint& backend, const ListenerOptions& options);
/// How a connect went whose socket became ready; nothing: it stands.
[[nodiscard]] std::optional<ConnectFailure> finish_connect(const net::Fd& fd, const Endpoint& backend);

}  // namespace tandem::lb::relay
