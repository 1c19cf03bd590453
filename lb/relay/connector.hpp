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
/// How a connect went whose socket became ready.
struct FinishedConnect {
  std::optional<ConnectFailure> failure;
  /// It stood and was reset since; there may be bytes to deliver. Asking took the error off the socket: nobody else
  /// will tell, and reading ends as if with a FIN.
  bool was_reset = false;
};
[[nodiscard]] FinishedConnect finish_connect(const net::Fd& fd, const Endpoint& backend);

}  // namespace tandem::lb::relay
