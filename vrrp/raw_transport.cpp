#include "vrrp/raw_transport.hpp"

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/text.hpp"
#include "vrrp/frame.hpp"

namespace tandem::vrrp {
namespace {

constexpr int kInternetControl = 0xc0;
constexpr int kHopLimit = 255;
constexpr int kSocketPriority = 7;     // TC_PRIO_CONTROL: before all data in the interface's queue
constexpr int kIpv6MulticastAll = 29;  // not in the C library's headers
constexpr std::uint8_t kGroupFirstV4 = 224;

using Family = IpAddress::Family;

bool is_group(const IpAddress& address) {
  return address.is_v4() ? (address.bytes()[0] & 0xf0U) == kGroupFirstV4 : address.bytes()[0] == 0xffU;
}

IpAddress address_of(const in6_addr& address) {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &address, bytes.size());
  return IpAddress(bytes);
}

IpAddress read_v4(Bytes at) {
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), at.data(), bytes.size());
  return IpAddress(bytes);
}

template <class Value>
bool set(const net::Fd& socket, int level, int name, const Value& value) {
  return ::setsockopt(socket.get(), level, name, &value, sizeof(value)) == 0;
}

bool set_v4(const net::Fd& socket, const RawTransportOptions& options) {
  ip_mreqn out{};
  out.imr_ifindex = static_cast<int>(options.index);
  return set(socket, IPPROTO_IP, IP_TTL, kHopLimit) && set(socket, IPPROTO_IP, IP_MULTICAST_TTL, kHopLimit) &&
         set(socket, IPPROTO_IP, IP_TOS, kInternetControl) && set(socket, IPPROTO_IP, IP_MULTICAST_LOOP, 0) &&
         set(socket, IPPROTO_IP, IP_MULTICAST_ALL, 0) && set(socket, IPPROTO_IP, IP_MULTICAST_IF, out) &&
         set(socket, IPPROTO_IP, IP_MTU_DISCOVER, int{IP_PMTUDISC_DONT});
}

bool set_v6(const net::Fd& socket, const RawTransportOptions& options) {
  set(socket, IPPROTO_IPV6, kIpv6MulticastAll, 0);  // since 4.20; without it there is only more to reject
  return set(socket, IPPROTO_IPV6, IPV6_UNICAST_HOPS, kHopLimit) &&
         set(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, kHopLimit) &&
         set(socket, IPPROTO_IPV6, IPV6_TCLASS, kInternetControl) &&
         set(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0) &&
         set(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(options.index)) &&
         set(socket, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) && set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
         set(socket, IPPROTO_IPV6, IPV6_CHECKSUM, -1);  // the codec's, so that a wrong one is counted
}

bool join(const net::Fd& socket, Family family, std::uint32_t index) {
  const IpAddress all_routers = group(family);
  if (family == Family::v4) {
    ip_mreqn request{};
    std::memcpy(&request.imr_multiaddr, all_routers.bytes().data(), 4);
    request.imr_ifindex = static_cast<int>(index);
    return set(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, request);
  }
  ipv6_mreq request{};
  std::memcpy(&request.ipv6mr_multiaddr, all_routers.bytes().data(), 16);
  request.ipv6mr_interface = index;
  return set(socket, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, request);
}

/// While the interface with the virtual MAC address is up, the kernel gives it what comes in from another holder of
/// that address; from anybody else both interfaces get a copy. The filter takes each frame once.
bool filter_duplicates(const net::Fd& socket, std::uint32_t index, const VirtualLink& link) {
  const auto mac_start = read_u32(std::as_bytes(std::span(link.mac)));
  const auto mac_end = read_u16(std::as_bytes(std::span(link.mac)).subspan(4));
  constexpr auto interface = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_IFINDEX);
  constexpr auto source_start = static_cast<std::uint32_t>(SKF_LL_OFF + 6);
  constexpr auto source_end = static_cast<std::uint32_t>(SKF_LL_OFF + 10);
  std::array<sock_filter, 9> program{{
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, interface},
      {BPF_JMP | BPF_JEQ | BPF_K, 5, 0, index},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 5, link.index},
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, source_start},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, mac_start},
      {BPF_LD | BPF_H | BPF_ABS, 0, 0, source_end},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, mac_end},
      {BPF_RET | BPF_K, 0, 0, 0xffffffff},
      {BPF_RET | BPF_K, 0, 0, 0},
  }};
  const sock_fprog all{static_cast<unsigned short>(program.size()), program.data()};
  return set(socket, SOL_SOCKET, SO_ATTACH_FILTER, all);
}

bool bind_to(const net::Fd& socket, std::string_view interface) {
  return ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.data(),
                      static_cast<socklen_t>(interface.size())) == 0;
}

/// A message with one piece, and room for one or two pieces of ancillary data.
struct Message {
  Message(void* bytes, std::size_t size) : piece{bytes, size} {
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
  }
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;

  template <class Address>
  void set_peer(Address& address) {
    header.msg_name = &address;
    header.msg_namelen = sizeof(address);
  }
  void expect_control() {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
  }
  template <class Value>
  void set_control(int level, int type, const Value& value) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(sizeof(value));
    cmsghdr* first = CMSG_FIRSTHDR(&header);
    first->cmsg_level = level;
    first->cmsg_type = type;
    first->cmsg_len = CMSG_LEN(sizeof(value));
    std::memcpy(CMSG_DATA(first), &value, sizeof(value));
  }
  template <class Value>
  std::optional<Value> find_control(int level, int type) {
    for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
      if (at->cmsg_level == level && at->cmsg_type == type && at->cmsg_len >= CMSG_LEN(sizeof(Value))) {
        Value value{};
        std::memcpy(&value, CMSG_DATA(at), sizeof(value));
        return value;
      }
    }
    return std::nullopt;
  }

  msghdr header{};
  iovec piece;
  alignas(cmsghdr) std::array<std::byte, 128> control{};
};

bool send_v4(int socket, Message& message, const Route& route, std::uint32_t index) {
  sockaddr_in destination{};
  destination.sin_family = AF_INET;
  std::memcpy(&destination.sin_addr, route.destination.bytes().data(), 4);
  in_pktinfo info{};
  info.ipi_ifindex = static_cast<int>(index);
  std::memcpy(&info.ipi_spec_dst, route.source.bytes().data(), 4);
  message.set_peer(destination);
  message.set_control(IPPROTO_IP, IP_PKTINFO, info);
  return ::sendmsg(socket, &message.header, 0) >= 0;
}

bool send_v6(int socket, Message& message, const Route& route, std::uint32_t index) {
  sockaddr_in6 destination{};
  destination.sin6_family = AF_INET6;
  std::memcpy(&destination.sin6_addr, route.destination.bytes().data(), 16);
  if (is_group(route.destination) || IN6_IS_ADDR_LINKLOCAL(&destination.sin6_addr)) {
    destination.sin6_scope_id = index;
  }
  in6_pktinfo info{};
  info.ipi6_ifindex = index;
  std::memcpy(&info.ipi6_addr, route.source.bytes().data(), 16);
  message.set_peer(destination);
  message.set_control(IPPROTO_IPV6, IPV6_PKTINFO, info);
  return ::sendmsg(socket, &message.header, 0) >= 0;
}

Error failure(const RawTransportOptions& options, std::string_view what) {
  const int cause = errno;
  return Error{concat("interface \"", options.interface, "\": ", what, ": ", std::strerror(cause),
                      cause == EPERM ? " (needs CAP_NET_ADMIN and CAP_NET_RAW)" : "")};
}

}  // namespace

RawTransport::RawTransport(const RawTransportOptions& options, net::Fd raw, net::Fd packet)
    : index_(options.index),
      family_(options.family),
      virtual_link_(options.virtual_link),
      raw_(std::move(raw)),
      packet_(std::move(packet)) {}

Result<std::unique_ptr<RawTransport>> RawTransport::open(const RawTransportOptions& options) {
  constexpr int flags = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const bool v4 = options.family == Family::v4;
  net::Fd raw(::socket(v4 ? AF_INET : AF_INET6, flags, kProtocol));
  if (!raw) {
    return failure(options, "cannot open a socket of protocol 112");
  }
  if (!(v4 ? set_v4(raw, options) : set_v6(raw, options))) {
    return failure(options, "cannot set the socket up");
  }
  set(raw, SOL_SOCKET, SO_PRIORITY, kSocketPriority);
  // One socket cannot be bound to two interfaces; there the filter does it.
  const auto& link = options.virtual_link;
  if (link ? !filter_duplicates(raw, options.index, *link) : !bind_to(raw, options.interface)) {
    return failure(options, "cannot bind the socket to it");
  }
  if (options.delivery == Delivery::multicast &&
      (!join(raw, options.family, options.index) || (link && !join(raw, options.family, link->index)))) {
    return failure(options, concat("cannot join ", to_string(group(options.family))));
  }
  net::Fd packet;
  if (link) {
    packet = net::Fd(::socket(AF_PACKET, flags, 0));
    if (!packet) {
      return failure(options, "cannot open a packet socket");
    }
    set(packet, SOL_SOCKET, SO_PRIORITY, kSocketPriority);
  }
  return std::unique_ptr<RawTransport>(new RawTransport(options, std::move(raw), std::move(packet)));
}

std::optional<Datagram> RawTransport::receive() { return family_ == Family::v4 ? receive_v4() : receive_v6(); }

std::optional<Datagram> RawTransport::receive_v4() {
  constexpr std::size_t header_min = 20;
  for (;;) {
    const ssize_t size = ::recv(raw_.get(), buffer_.data(), buffer_.size(), 0);
    if (size < 0 && errno != EINTR) {
      return std::nullopt;
    }
    if (size < static_cast<ssize_t>(header_min)) {
      continue;
    }
    Bytes packet = Bytes(buffer_).first(static_cast<std::size_t>(size));
    const std::size_t header_size = (std::to_integer<std::size_t>(packet[0]) & 0xfU) * 4;
    packet = packet.first(std::min<std::size_t>(packet.size(), read_u16(packet.subspan(2))));
    if (header_size < header_min || header_size > packet.size()) {
      continue;
    }
    return Datagram{packet.subspan(header_size),
                    {read_v4(packet.subspan(12)), read_v4(packet.subspan(16))},
                    std::to_integer<std::uint8_t>(packet[8])};
  }
}

std::optional<Datagram> RawTransport::receive_v6() {
  for (;;) {
    Message message(buffer_.data(), buffer_.size());
    sockaddr_in6 source{};
    message.set_peer(source);
    message.expect_control();
    const ssize_t size = ::recvmsg(raw_.get(), &message.header, 0);
    if (size < 0 && errno != EINTR) {
      return std::nullopt;
    }
    const auto info = message.find_control<in6_pktinfo>(IPPROTO_IPV6, IPV6_PKTINFO);
    const auto hop_limit = message.find_control<int>(IPPROTO_IPV6, IPV6_HOPLIMIT);
    if (size < 0 || !info || !hop_limit) {
      continue;
    }
    return Datagram{Bytes(buffer_).first(static_cast<std::size_t>(size)),
                    {address_of(source.sin6_addr), address_of(info->ipi6_addr)},
                    static_cast<std::uint8_t>(*hop_limit)};
  }
}

bool RawTransport::is_from_virtual_mac(const Route& route) const {
  return virtual_link_.has_value() && is_group(route.destination);
}

bool RawTransport::send(Bytes advert, const Route& route) {
  if (is_from_virtual_mac(route)) {
    return send_frame(advert, route);
  }
  // sendmsg() only reads, but its structures are shared with recvmsg().
  Message message(const_cast<std::byte*>(advert.data()), advert.size());
  return family_ == Family::v4 ? send_v4(raw_.get(), message, route, index_)
                               : send_v6(raw_.get(), message, route, index_);
}

bool RawTransport::send_frame(Bytes advert, const Route& route) {
  std::array<std::byte, kFrameHeaderMax + EncodedPacket::kSizeMax> frame{};
  Envelope envelope;
  envelope.destination = multicast_mac(route.destination);
  envelope.source = virtual_link_->mac;
  envelope.ipv4_id = ++ipv4_id_;
  const std::size_t size = write_advert_frame(frame, envelope, route, advert);
  sockaddr_ll out{};
  out.sll_family = AF_PACKET;
  out.sll_ifindex = static_cast<int>(index_);
  return ::sendto(packet_.get(), frame.data(), size, 0, reinterpret_cast<const sockaddr*>(&out), sizeof(out)) >= 0;
}

bool RawTransport::bequeath(Will& will, Bytes advert, const Route& route) const {
  std::array<std::byte, kFrameHeaderMax + EncodedPacket::kSizeMax> packet{};
  const std::size_t size = write_advert_packet(packet, Envelope{}, route, advert);
  const std::uint32_t out = is_from_virtual_mac(route) ? virtual_link_->index : index_;
  return will.append({Will::Kind::ip_packet, out, route.destination, Bytes(packet).first(size)});
}

}  // namespace tandem::vrrp
