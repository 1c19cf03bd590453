#include "net/socket.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "net/socket_address.hpp"

namespace tandem::net {

namespace {

Error cause(int error) { return Error{std::generic_category().message(error)}; }

void set_option(const Fd& socket, int level, int name, int value) noexcept {
  // fails only for options that the kernel lacks; the connection works without
  static_cast<void>(::setsockopt(socket.get(), level, name, &value, sizeof value));
}

template <class Unit>
int count_of(Duration duration) noexcept {
  return static_cast<int>(std::max<std::int64_t>(1, std::chrono::ceil<Unit>(duration).count()));
}

}  // namespace

Fd open_tcp(const IpAddress& address) noexcept {
  return Fd(::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
}

Result<Fd> bind_tcp(const Endpoint& endpoint, SharePort share, AddressPresence presence) {
  Fd socket = open_tcp(endpoint.address);
  if (!socket) {
    return cause(errno);
  }
  set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  if (share == SharePort::yes) {
    set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
  }
  if (!endpoint.address.is_v4()) {
    set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  }
  if (presence == AddressPresence::later) {
    const int level = endpoint.address.is_v4() ? IPPROTO_IP : IPPROTO_IPV6;
    set_option(socket, level, endpoint.address.is_v4() ? IP_FREEBIND : IPV6_FREEBIND, 1);
    // So that a reset leaves when the address has gone already; wants CAP_NET_ADMIN, and works without it otherwise.
    set_option(socket, level, endpoint.address.is_v4() ? IP_TRANSPARENT : IPV6_TRANSPARENT, 1);
  }
  const SocketAddress address(endpoint);
  if (::bind(socket.get(), address.get(), address.length) != 0) {
    return cause(errno);
  }
  return socket;
}

Result<void> listen(const Fd& socket, std::uint32_t backlog) {
  if (::listen(socket.get(), static_cast<int>(std::min<std::uint32_t>(backlog, 65535))) != 0) {
    return cause(errno);
  }
  return {};
}

void set_keepalive(const Fd& socket, const Keepalive& keepalive) noexcept {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  const Duration whole = keepalive.idle + keepalive.interval * keepalive.count;
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, count_of<seconds>(keepalive.idle));
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, count_of<seconds>(keepalive.interval));
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, static_cast<int>(std::max<std::uint32_t>(1, keepalive.count)));
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, count_of<milliseconds>(whole - keepalive.interval / 2));
}

void set_nodelay(const Fd& socket, bool on) noexcept { set_option(socket, IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0); }

std::optional<Endpoint> local_endpoint(const Fd& socket) {
  SocketAddress address;
  if (::getsockname(socket.get(), address.get(), &address.length) != 0) {
    return std::nullopt;
  }
  return address.endpoint();
}

std::optional<Endpoint> peer_endpoint(const Fd& socket) {
  SocketAddress address;
  if (::getpeername(socket.get(), address.get(), &address.length) != 0) {
    return std::nullopt;
  }
  return address.endpoint();
}

int take_error(const Fd& socket) noexcept {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
    return errno;
  }
  return error;
}

int unacknowledged(const Fd& socket) noexcept {
  int bytes = 0;
  return ::ioctl(socket.get(), SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

void reset(Fd& socket) noexcept {
  if (!socket) {
    return;
  }
  const linger at_once{1, 0};
  static_cast<void>(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
  socket.close();
}

}  // namespace tandem::net
