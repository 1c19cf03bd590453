#include "vrrp/will_executor.hpp"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/text.hpp"

namespace tandem::vrrp {
namespace {

constexpr int kFlags = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;

Error cannot_open(std::string_view what) {
  const int cause = errno;
  return Error{concat("cannot open a ", what, ": ", std::strerror(cause),
                      cause == EPERM ? " (needs CAP_NET_ADMIN and CAP_NET_RAW)" : "")};
}

bool is_gone(int error) {
  return error == 0 || error == ENODEV || error == EADDRNOTAVAIL || error == ENXIO || error == ENETDOWN;
}

/// The first failure that the kernel reports about the messages sent before; 0 if there is none.
int take_answers(int netlink) {
  int first = 0;
  alignas(nlmsghdr) std::array<std::byte, 4096> answer{};
  for (;;) {
    const ssize_t size = ::recv(netlink, answer.data(), answer.size(), MSG_DONTWAIT);
    if (size < static_cast<ssize_t>(sizeof(nlmsghdr) + sizeof(nlmsgerr))) {
      return first;
    }
    nlmsghdr header{};
    nlmsgerr error{};
    std::memcpy(&header, answer.data(), sizeof(header));
    std::memcpy(&error, answer.data() + NLMSG_HDRLEN, sizeof(error));
    if (header.nlmsg_type == NLMSG_ERROR && first == 0 && !is_gone(-error.error)) {
      first = -error.error;
    }
  }
}

int tell_kernel(int netlink, Bytes messages) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const ssize_t sent = ::sendto(netlink, messages.data(), messages.size(), 0,
                                reinterpret_cast<const sockaddr*>(&kernel), sizeof(kernel));
  return sent < 0 ? errno : take_answers(netlink);
}

template <class PacketInfo>
int send_packet(int socket, const Will::Entry& entry, sockaddr* destination, socklen_t size,
                std::pair<int, int> level_and_type, const PacketInfo& info) {
  // sendmsg() only reads, but its structures are shared with recvmsg().
  iovec piece{const_cast<std::byte*>(entry.bytes.data()), entry.bytes.size()};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(PacketInfo))> control{};
  msghdr message{};
  message.msg_name = destination;
  message.msg_namelen = size;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level_and_type.first;
  header->cmsg_type = level_and_type.second;
  header->cmsg_len = CMSG_LEN(sizeof(PacketInfo));
  std::memcpy(CMSG_DATA(header), &info, sizeof(info));
  return ::sendmsg(socket, &message, 0) < 0 ? errno : 0;
}

int send_v4(int socket, const Will::Entry& entry) {
  sockaddr_in destination{};
  destination.sin_family = AF_INET;
  std::memcpy(&destination.sin_addr, entry.destination.bytes().data(), sizeof(destination.sin_addr));
  in_pktinfo info{};
  info.ipi_ifindex = static_cast<int>(entry.interface);
  return send_packet(socket, entry, reinterpret_cast<sockaddr*>(&destination), sizeof(destination),
                     {IPPROTO_IP, IP_PKTINFO}, info);
}

int send_v6(int socket, const Will::Entry& entry) {
  sockaddr_in6 destination{};
  destination.sin6_family = AF_INET6;
  std::memcpy(&destination.sin6_addr, entry.destination.bytes().data(), sizeof(destination.sin6_addr));
  if (IN6_IS_ADDR_LINKLOCAL(&destination.sin6_addr) || IN6_IS_ADDR_MULTICAST(&destination.sin6_addr)) {
    destination.sin6_scope_id = entry.interface;
  }
  in6_pktinfo info{};
  info.ipi6_ifindex = entry.interface;
  return send_packet(socket, entry, reinterpret_cast<sockaddr*>(&destination), sizeof(destination),
                     {IPPROTO_IPV6, IPV6_PKTINFO}, info);
}

}  // namespace

WillExecutor::WillExecutor(net::Fd netlink, net::Fd raw_v4, net::Fd raw_v6)
    : netlink_(std::move(netlink)), raw_v4_(std::move(raw_v4)), raw_v6_(std::move(raw_v6)) {}

Result<WillExecutor> WillExecutor::open() {
  net::Fd netlink(::socket(AF_NETLINK, kFlags, NETLINK_ROUTE));
  if (!netlink) {
    return cannot_open("netlink socket");
  }
  const int on = 1;
  const int off = 0;
  ::setsockopt(netlink.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
  // IPPROTO_RAW: our own IP headers, and nothing is received.
  net::Fd raw_v4(::socket(AF_INET, kFlags, IPPROTO_RAW));
  if (!raw_v4) {
    return cannot_open("raw IPv4 socket");
  }
  ::setsockopt(raw_v4.get(), IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof(off));
  net::Fd raw_v6(::socket(AF_INET6, kFlags, IPPROTO_RAW));
  if (!raw_v6 && errno != EAFNOSUPPORT) {
    return cannot_open("raw IPv6 socket");
  }
  if (raw_v6) {
    ::setsockopt(raw_v6.get(), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof(off));
  }
  return WillExecutor(std::move(netlink), std::move(raw_v4), std::move(raw_v6));
}

Result<> WillExecutor::execute(const Will& will) {
  int first = 0;
  std::string_view what;
  std::size_t offset = 0;
  while (const auto entry = will.next(offset)) {
    int error = 0;
    if (entry->kind == Will::Kind::netlink_request) {
      error = tell_kernel(netlink_.get(), entry->bytes);
    } else {
      error = entry->destination.is_v4() ? send_v4(raw_v4_.get(), *entry) : send_v6(raw_v6_.get(), *entry);
    }
    if (first == 0 && !is_gone(error)) {
      first = error;
      what = entry->kind == Will::Kind::netlink_request ? "a request to the kernel" : "a farewell";
    }
  }
  if (first != 0) {
    return Error{concat("will: ", what, " failed: ", std::strerror(first))};
  }
  return {};
}

}  // namespace tandem::vrrp
