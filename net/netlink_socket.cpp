#include "net/netlink_socket.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "base/text.hpp"

namespace tandem::net {
namespace {

constexpr int kReceiveBuffer = 1 << 20;  // bytes; the kernel drops notifications that do not fit

sockaddr_nl address_of_kernel(std::uint32_t groups) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  return address;
}

Result<Fd> open_bound(std::uint32_t groups) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  const sockaddr_nl self = address_of_kernel(groups);
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&self), sizeof(self)) != 0) {
    return Error{concat("cannot open a netlink socket: ", std::strerror(errno))};
  }
  // The larger one needs CAP_NET_ADMIN; the usual one does for most hosts.
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof(kReceiveBuffer)) != 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof(kReceiveBuffer));
  }
  return fd;
}

/// The next datagram of the kernel; its size, or -1 with errno. What another process sends here is passed over.
ssize_t receive_from_kernel(const Fd& fd, std::vector<std::byte>& buffer) {
  for (;;) {
    sockaddr_nl sender{};
    socklen_t size = sizeof(sender);
    const ssize_t received =
        ::recvfrom(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&sender), &size);
    if (received < 0 && errno == EINTR) {
      continue;
    }
    if (received < 0 || sender.nl_pid == 0) {
      return received;
    }
  }
}

int send_to_kernel(const Fd& fd, Bytes messages) {
  const sockaddr_nl kernel = address_of_kernel(0);
  const ssize_t sent = ::sendto(fd.get(), messages.data(), messages.size(), 0,
                                reinterpret_cast<const sockaddr*>(&kernel), sizeof(kernel));
  return sent < 0 ? errno : 0;
}

}  // namespace

Result<NetlinkSocket> NetlinkSocket::open() {
  auto fd = open_bound(0);
  if (!fd) {
    return fd.error();
  }
  const int on = 1;
  ::setsockopt(fd->get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));  // answers do not repeat the request
  return NetlinkSocket(std::move(*fd));
}

void NetlinkSocket::drain() {
  while (receive_from_kernel(fd_, buffer_) >= 0) {
  }
}

int NetlinkSocket::request(MutableBytes request) {
  int error = 0;
  request_all(request, std::span(&error, 1));
  return error;
}

void NetlinkSocket::request_all(MutableBytes requests, std::span<int> errors) {
  std::ranges::fill(errors, EIO);  // until the kernel has said what became of it
  drain();
  const std::uint32_t first = sequence_ + 1;
  std::size_t count = 0;
  MutableBytes last;
  for (Bytes rest = requests; count < errors.size(); ++count) {
    const std::size_t at = requests.size() - rest.size();
    if (!next_message(rest)) {
      break;
    }
    last = requests.subspan(at);
    set_sequence(last, ++sequence_);
  }
  check(count == errors.size() && count > 0, "as many places for errors as requests");
  set_acknowledged(last);  // those before are answered only when they are refused
  if (const int error = send_to_kernel(fd_, requests); error != 0) {
    std::ranges::fill(errors, error);
    return;
  }
  std::ranges::fill(errors.first(count - 1), 0);
  for (ssize_t size = receive_from_kernel(fd_, buffer_); size >= 0; size = receive_from_kernel(fd_, buffer_)) {
    Bytes rest = Bytes(buffer_).first(static_cast<std::size_t>(size));
    while (const auto message = next_message(rest)) {
      const std::uint32_t place = message->sequence - first;
      const auto error = error_of(*message);
      if (error && place < count) {
        errors[place] = *error;
      }
    }
  }
}

/// One datagram of an answer; true at its end.
Result<bool> NetlinkSocket::read_dump(std::uint32_t sequence, const OnNetlinkMessage& on_message) {
  const ssize_t size = receive_from_kernel(fd_, buffer_);
  if (size < 0) {
    return Error{std::strerror(errno)};
  }
  Bytes rest = Bytes(buffer_).first(static_cast<std::size_t>(size));
  while (const auto message = next_message(rest)) {
    if (message->sequence != sequence) {
      continue;
    }
    if (const auto error = error_of(*message)) {
      return *error == 0 ? Result<bool>(true) : Result<bool>(Error{std::strerror(*error)});
    }
    if ((message->flags & NLM_F_DUMP_INTR) != 0) {
      return Error{std::strerror(EINTR)};
    }
    on_message(*message);
  }
  return false;
}

Result<> NetlinkSocket::dump(DumpOf what, const OnNetlinkMessage& on_message) {
  drain();
  NetlinkRequest request = dump_request(what);
  const std::uint32_t sequence = ++sequence_;
  set_sequence(request, sequence);
  if (const int error = send_to_kernel(fd_, request); error != 0) {
    return Error{std::strerror(error)};
  }
  for (;;) {
    const auto ended = read_dump(sequence, on_message);
    if (!ended) {
      return ended.error();
    }
    if (*ended) {
      return {};
    }
  }
}

Result<NetlinkSubscription> NetlinkSubscription::open() {
  auto fd = open_bound(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
  if (!fd) {
    return fd.error();
  }
  return NetlinkSubscription(std::move(*fd));
}

NetlinkSubscription::Outcome NetlinkSubscription::receive(const OnNetlinkMessage& on_message) {
  Outcome outcome = Outcome::complete;
  for (;;) {
    const ssize_t size = receive_from_kernel(fd_, buffer_);
    if (size < 0 && errno == ENOBUFS) {
      outcome = Outcome::lost;
      continue;
    }
    if (size < 0) {
      return outcome;
    }
    Bytes rest = Bytes(buffer_).first(static_cast<std::size_t>(size));
    while (const auto message = next_message(rest)) {
      on_message(*message);
    }
  }
}

}  // namespace tandem::net
