#include "lb/relay/connector.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "net/socket.hpp"
#include "net/socket_address.hpp"

namespace tandem::lb::relay {

namespace {

/// On loopback a connect to a port where nobody listens can pick that port as its own, and meet itself.
bool met_itself(const net::Fd& fd, const Endpoint& backend) {
  return backend.address.is_loopback() && net::local_endpoint(fd) == backend;
}

}  // namespace

ConnectFailure connect_failure(int error) noexcept {
  switch (error) {
    case ECONNREFUSED:
    case ECONNRESET: return ConnectFailure::refused;
    case ETIMEDOUT: return ConnectFailure::timeout;
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN: return ConnectFailure::unreachable;
    default: return ConnectFailure::local;
  }
}

Cause cause_of(ConnectFailure failure) noexcept {
  switch (failure) {
    case ConnectFailure::refused:
    case ConnectFailure::unreachable: return Cause::connect_refused;
    case ConnectFailure::timeout: return Cause::connect_timeout;
    case ConnectFailure::local: break;
  }
  return Cause::error;
}

BegunConnect begin_connect(const Endpoint& backend, const ListenerOptions& options) {
  BegunConnect begun;
  begun.fd = net::open_tcp(backend.address);
  if (!begun.fd) {
    begun.failure = ConnectFailure::local;
    return begun;
  }
  net::set_nodelay(begun.fd, options.tcp_nodelay);
  net::set_keepalive(begun.fd, {options.keepalive_idle, options.keepalive_interval, options.keepalive_count});
  const net::SocketAddress address(backend);
  if (::connect(begun.fd.get(), address.get(), address.length) == 0) {
    begun.complete = true;
  } else if (errno != EINPROGRESS && errno != EINTR) {
    begun.failure = connect_failure(errno);
    begun.fd.close();
  }
  return begun;
}

FinishedConnect finish_connect(const net::Fd& fd, const Endpoint& backend) {
  FinishedConnect finished;
  const int error = net::take_error(fd);
  if (error == ECONNRESET || error == EPIPE) {
    finished.was_reset = true;
  } else if (error != 0) {
    finished.failure = connect_failure(error);
  } else if (met_itself(fd, backend)) {
    finished.failure = ConnectFailure::refused;
  }
  return finished;
}

}  // namespace tandem::lb::relay
