#include "app/demo/forwarder.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "net/socket.hpp"
#include "net/socket_address.hpp"

namespace tandem::app::demo {

namespace {

constexpr std::size_t kPassersMax = 64;
constexpr std::size_t kBufferMax = 16UL * 1024;
constexpr std::uint32_t kBacklog = 16;

/// Bytes on their way from one socket to the other.
struct Direction {
  std::string waiting;
  bool ended = false;   // the source says no more
  bool passed = false;  // and the destination knows

  [[nodiscard]] bool wants_to_read() const { return !ended && waiting.size() < kBufferMax; }
  [[nodiscard]] bool wants_to_write() const { return !waiting.empty() || (ended && !passed); }
};

/// One connection to the door and the one behind it; out and back.
struct Passer {
  std::array<net::Fd, 2> sockets;
  std::array<Direction, 2> directions;  // [0]: from sockets[0] to sockets[1]
};

/// False: the connection is broken.
bool read_some(const net::Fd& from, Direction& direction) {
  std::array<char, kBufferMax> buffer{};
  const ssize_t size = recv(from.get(), buffer.data(), buffer.size() - direction.waiting.size(), MSG_DONTWAIT);
  if (size < 0) {
    return errno == EAGAIN || errno == EINTR;
  }
  direction.ended = size == 0;
  direction.waiting.append(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

bool write_some(const net::Fd& to, Direction& direction) {
  if (!direction.waiting.empty()) {
    const ssize_t size =
        send(to.get(), direction.waiting.data(), direction.waiting.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0) {
      return errno == EAGAIN || errno == EINTR;
    }
    direction.waiting.erase(0, static_cast<std::size_t>(size));
  }
  if (direction.waiting.empty() && direction.ended) {
    direction.passed = true;
    shutdown(to.get(), SHUT_WR);
  }
  return true;
}

short wanted(const Passer& passer, std::size_t side) {
  const bool reads = passer.directions[side].wants_to_read();
  const bool writes = passer.directions[1 - side].wants_to_write();
  return static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
}

/// Whether it goes on.
bool take_turn(Passer& passer, std::size_t side, short happened) {
  Direction& out = passer.directions[side];
  Direction& in = passer.directions[1 - side];
  if ((happened & POLLIN) != 0 && out.wants_to_read() && !read_some(passer.sockets[side], out)) {
    return false;
  }
  if ((happened & POLLOUT) != 0 && in.wants_to_write() && !write_some(passer.sockets[side], in)) {
    return false;
  }
  const bool broken = (happened & (POLLERR | POLLNVAL)) != 0 || ((happened & POLLHUP) != 0 && out.ended);
  return !broken && !(passer.directions[0].passed && passer.directions[1].passed);
}

void let_in(const Doorway& door, const Endpoint& to, std::vector<Passer>& passers) {
  net::Fd outside(accept4(door.socket.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!outside) {
    return;
  }
  net::Fd inside = net::open_tcp(to.address);
  const net::SocketAddress address(to);
  if (inside && (connect(inside.get(), address.get(), address.length) == 0 || errno == EINPROGRESS)) {
    passers.push_back({{std::move(outside), std::move(inside)}, {}});
  }
}

}  // namespace

Result<Doorway> Doorway::open() {
  const Endpoint any{IpAddress(std::array<std::uint8_t, 4>{127, 0, 0, 1}), 0};
  auto socket = net::bind_tcp(any, net::SharePort::no);
  if (!socket) {
    return Error{concat("a port of 127.0.0.1: ", socket.error().text)};
  }
  if (auto listening = net::listen(*socket, kBacklog); !listening) {
    return Error{concat("a port of 127.0.0.1: ", listening.error().text)};
  }
  const auto endpoint = net::local_endpoint(*socket);
  return Doorway{std::move(*socket), endpoint.value_or(any)};
}

void forward(const Doorway& door, const Endpoint& to) {
  std::vector<Passer> passers;
  std::vector<pollfd> waiting;
  while (true) {
    waiting.assign(1, {passers.size() < kPassersMax ? door.socket.get() : -1, POLLIN, 0});
    for (const Passer& passer : passers) {
      for (std::size_t side = 0; side < 2; ++side) {
        waiting.push_back({passer.sockets[side].get(), wanted(passer, side), 0});
      }
    }
    if (poll(waiting.data(), waiting.size(), -1) < 0) {
      continue;
    }
    for (std::size_t index = passers.size(); index > 0; --index) {
      Passer& passer = passers[index - 1];
      const std::size_t at = 2 * index - 1;
      if (!take_turn(passer, 0, waiting[at].revents) || !take_turn(passer, 1, waiting[at + 1].revents)) {
        passers.erase(passers.begin() + static_cast<std::ptrdiff_t>(index - 1));
      }
    }
    if (waiting[0].revents != 0) {
      let_in(door, to, passers);
    }
  }
}

}  // namespace tandem::app::demo
