#include "vrrp/witness.hpp"

#include <linux/filter.h>
#include <linux/icmp.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <system_error>
#include <utility>

#include "base/text.hpp"
#include "net/fd.hpp"
#include "net/socket.hpp"
#include "net/socket_address.hpp"
#include "vrrp/witness_message.hpp"

namespace tandem::vrrp {

namespace {

constexpr std::size_t kPeriodsInFlight = 3;  // how long an answer may take
constexpr int kEventsPerTurn = 16;
constexpr int kMessagesPerTurn = 64;  // of one socket: a flood must not hold the thread
constexpr std::size_t kMessageMax = 512;
constexpr int kNeighbourHops = 255;  // RFC 4861 section 7.1: whoever is beyond a router cannot send that

/// One socket each, for all witnesses of that sort; TCP has sockets per witness.
enum class Channel : std::uint8_t { echo4, echo6, arp, neighbour };
constexpr std::size_t kChannels = 4;
constexpr std::uint64_t kTcpTokens = kChannels;

using Message = std::array<std::byte, kMessageMax>;

/// What came in, without a copy.
struct Received {
  Bytes bytes;
  IpAddress source;
  int hops = 0;
};

template <class Value>
bool set_option(const net::Fd& socket, int level, int name, const Value& value) {
  return setsockopt(socket.get(), level, name, &value, sizeof(value)) == 0;
}

std::string last_error() { return std::generic_category().message(errno); }

bool bind_to(const net::Fd& socket, const std::string& interface) {
  return setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.data(),
                    static_cast<socklen_t>(interface.size())) == 0;
}

/// Lets ARP replies through only: requests are broadcast, and a large network has many.
bool filter_arp_replies(const net::Fd& socket) {
  std::array<sock_filter, 4> program{{BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
                                      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 1),
                                      BPF_STMT(BPF_RET | BPF_K, kMessageMax), BPF_STMT(BPF_RET | BPF_K, 0)}};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return set_option(socket, SOL_SOCKET, SO_ATTACH_FILTER, filter);
}

net::Fd open_echo4(const std::string& interface) {
  net::Fd socket(::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP));
  const icmp_filter filter{~(1U << ICMP_ECHOREPLY)};
  return socket && set_option(socket, SOL_RAW, ICMP_FILTER, filter) && bind_to(socket, interface) ? std::move(socket)
                                                                                                  : net::Fd();
}

net::Fd open_icmp6(const std::string& interface, int type) {
  net::Fd socket(::socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6));
  icmp6_filter filter{};
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(type, &filter);
  const bool ready = socket && set_option(socket, IPPROTO_ICMPV6, ICMP6_FILTER, filter) &&
                     set_option(socket, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) &&
                     set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, kNeighbourHops) &&
                     set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0) && bind_to(socket, interface);
  return ready ? std::move(socket) : net::Fd();
}

net::Fd open_arp(unsigned index) {
  // Protocol 0 hears nothing until bind() names one: no frame of another interface comes in between.
  net::Fd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_protocol = htons(ETH_P_ARP);
  where.sll_ifindex = static_cast<int>(index);
  const bool ready = socket && filter_arp_replies(socket) &&
                     bind(socket.get(), reinterpret_cast<const sockaddr*>(&where), sizeof(where)) == 0;
  return ready ? std::move(socket) : net::Fd();
}

ifreq request_for(const std::string& interface) {
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

/// The next waiting message; nothing when there is none. An error that a socket tells once (the link went down) is
/// taken off it and read over.
std::optional<Received> receive(const net::Fd& socket, Message& buffer) {
  net::SocketAddress from;
  alignas(cmsghdr) std::array<std::byte, 128> control{};
  iovec part{buffer.data(), buffer.size()};
  msghdr header{};
  header.msg_name = &from.storage;
  header.msg_namelen = sizeof(from.storage);
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t size = recvmsg(socket.get(), &header, MSG_DONTWAIT);
  if (size < 0 && errno != EAGAIN) {
    header.msg_namelen = sizeof(from.storage);
    header.msg_controllen = control.size();
    size = recvmsg(socket.get(), &header, MSG_DONTWAIT);
  }
  if (size < 0) {
    return std::nullopt;
  }
  Received received;
  received.bytes = Bytes(buffer).first(static_cast<std::size_t>(size));
  from.length = header.msg_namelen;
  if (const auto endpoint = from.endpoint()) {
    received.source = endpoint->address;
  }
  for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
    if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_HOPLIMIT) {
      std::memcpy(&received.hops, CMSG_DATA(at), sizeof(received.hops));
    }
  }
  return received;
}

bool is_link_local(const IpAddress& address) {
  return !address.is_v4() && address.bytes()[0] == 0xfe && (address.bytes()[1] & 0xc0U) == 0x80;
}

std::string_view kind_name(WitnessKind kind) {
  switch (kind) {
    case WitnessKind::icmp: return "icmp";
    case WitnessKind::arp: return "arp";
    case WitnessKind::tcp: return "tcp";
  }
  return "";
}

Channel channel_of(const Witness& witness) {
  if (witness.kind == WitnessKind::icmp) {
    return witness.address.is_v4() ? Channel::echo4 : Channel::echo6;
  }
  return witness.address.is_v4() ? Channel::arp : Channel::neighbour;
}

}  // namespace

struct WitnessWatch::State {
  /// The connects to one witness that may still be answered, one per period.
  struct Connects {
    std::array<net::Fd, kPeriodsInFlight> sockets;
  };

  State(std::vector<Witness> asked, std::string name, Duration period, Instant now)
      : witnesses(std::move(asked)),
        interface(std::move(name)),
        tally(period, now),
        connects(witnesses.size()),
        identifier(static_cast<std::uint16_t>(std::random_device()())) {}

  Result<> open();
  Result<> open_channel(const Witness& witness);
  void find_interface_again();
  void ask(Instant now);
  void ask_tcp(std::size_t witness);
  void send(const Witness& witness);
  void send_to(Channel channel, const IpAddress& address, Bytes message);
  void send_arp(const IpAddress& target);
  void hear(Channel channel, Instant now);
  void hear_connect(std::uint64_t token, Instant now);
  [[nodiscard]] bool answers(Channel channel, const Received& received) const;
  [[nodiscard]] bool is_witness(Channel channel, const IpAddress& address) const;
  [[nodiscard]] unsigned index_now() const;
  [[nodiscard]] MacAddress read_mac() const;
  [[nodiscard]] IpAddress source_v4() const;
  bool watch(const net::Fd& socket, std::uint64_t token, std::uint32_t events) const;
  [[nodiscard]] const net::Fd& channel(Channel which) const { return channels[static_cast<std::size_t>(which)]; }

  std::vector<Witness> witnesses;
  std::string interface;
  WitnessTally tally;
  std::vector<Connects> connects;  // by witness; used for those of the TCP kind
  std::uint16_t identifier;
  std::uint16_t sequence = 0;
  Instant turned{};  // the last on_events()
  unsigned index = 0;
  MacAddress mac{};
  net::Fd epoll;
  net::Fd control;  // to ask for the interface's addresses
  std::array<net::Fd, kChannels> channels;
};

Result<> WitnessWatch::State::open() {
  epoll = net::Fd(epoll_create1(EPOLL_CLOEXEC));
  control = net::Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!epoll || !control) {
    return Error{concat("witnesses of interface \"", interface, "\": ", last_error())};
  }
  index = index_now();
  if (index == 0) {
    return Error{concat("witnesses: interface \"", interface, "\" does not exist")};
  }
  mac = read_mac();
  for (const Witness& witness : witnesses) {
    if (auto opened = open_channel(witness); !opened) {
      return opened;
    }
  }
  return {};
}

Result<> WitnessWatch::State::open_channel(const Witness& witness) {
  if (witness.kind == WitnessKind::tcp) {
    return {};
  }
  const Channel which = channel_of(witness);
  net::Fd& socket = channels[static_cast<std::size_t>(which)];
  if (socket) {
    return {};
  }
  switch (which) {
    case Channel::echo4: socket = open_echo4(interface); break;
    case Channel::echo6: socket = open_icmp6(interface, ICMP6_ECHO_REPLY); break;
    case Channel::arp: socket = open_arp(index); break;
    case Channel::neighbour: socket = open_icmp6(interface, ND_NEIGHBOR_ADVERT); break;
  }
  if (!socket || !watch(socket, static_cast<std::uint64_t>(which), EPOLLIN)) {
    const int cause = errno;
    return Error{concat("witness ", kind_name(witness.kind), " ", to_string(witness.address), " on interface \"",
                        interface, "\": ", std::generic_category().message(cause),
                        cause == EPERM ? " (CAP_NET_RAW is needed)" : "")};
  }
  return {};
}

bool WitnessWatch::State::watch(const net::Fd& socket, std::uint64_t token, std::uint32_t events) const {
  epoll_event wanted{};
  wanted.events = events;
  wanted.data.u64 = token;
  return epoll_ctl(epoll.get(), EPOLL_CTL_ADD, socket.get(), &wanted) == 0;
}

unsigned WitnessWatch::State::index_now() const {
  ifreq request = request_for(interface);
  return ioctl(control.get(), SIOCGIFINDEX, &request) == 0 ? static_cast<unsigned>(request.ifr_ifindex) : 0;
}

MacAddress WitnessWatch::State::read_mac() const {
  MacAddress found{};
  ifreq request = request_for(interface);
  if (ioctl(control.get(), SIOCGIFHWADDR, &request) == 0) {
    std::memcpy(found.data(), request.ifr_hwaddr.sa_data, found.size());
  }
  return found;
}

/// 0.0.0.0 when it has none: the question is then a probe, which is answered as well.
IpAddress WitnessWatch::State::source_v4() const {
  ifreq request = request_for(interface);
  if (ioctl(control.get(), SIOCGIFADDR, &request) != 0) {
    return {};
  }
  sockaddr_in address{};
  std::memcpy(&address, &request.ifr_addr, sizeof(address));
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), &address.sin_addr, bytes.size());
  return IpAddress(bytes);
}

/// Sockets keep to the number of an interface: one that was made anew under the same name needs new sockets.
void WitnessWatch::State::find_interface_again() {
  const unsigned now = index_now();
  if (now == index || now == 0) {
    return;
  }
  index = now;
  mac = read_mac();
  for (net::Fd& socket : channels) {
    socket.close();
  }
  for (const Witness& witness : witnesses) {
    if (!open_channel(witness)) {
      index = 0;  // tried again in a period
    }
  }
}

void WitnessWatch::State::ask(Instant now) {
  find_interface_again();
  ++sequence;
  for (std::size_t witness = 0; witness < witnesses.size(); ++witness) {
    if (witnesses[witness].kind == WitnessKind::tcp) {
      ask_tcp(witness);
    } else {
      send(witnesses[witness]);
    }
  }
  tally.on_asked(now);
}

void WitnessWatch::State::ask_tcp(std::size_t witness) {
  const std::size_t place = sequence % kPeriodsInFlight;
  net::Fd& socket = connects[witness].sockets[place];
  socket = net::open_tcp(witnesses[witness].address);  // the one of three periods ago was not answered
  if (!socket || !bind_to(socket, interface)) {
    socket.close();
    return;
  }
  net::SocketAddress to(Endpoint{witnesses[witness].address, witnesses[witness].port});
  if (is_link_local(witnesses[witness].address)) {
    reinterpret_cast<sockaddr_in6*>(&to.storage)->sin6_scope_id = index;
  }
  // A refusal that comes at once is told by the descriptor as well.
  if (connect(socket.get(), to.get(), to.length) != 0 && errno != EINPROGRESS && errno != ECONNREFUSED) {
    socket.close();
    return;
  }
  if (!watch(socket, kTcpTokens + witness * kPeriodsInFlight + place, EPOLLOUT)) {
    socket.close();
  }
}

void WitnessWatch::State::send(const Witness& witness) {
  const Channel which = channel_of(witness);
  const Echo echo{identifier, sequence};
  switch (which) {
    case Channel::echo4:
    case Channel::echo6: return send_to(which, witness.address, echo_request(witness.address.family(), echo));
    case Channel::arp: return send_arp(witness.address);
    case Channel::neighbour:
      return send_to(which, solicited_node(witness.address), neighbour_solicitation(mac, witness.address));
  }
}

/// What the kernel does not take is a question without an answer.
void WitnessWatch::State::send_to(Channel which, const IpAddress& address, Bytes message) {
  net::SocketAddress to(Endpoint{address, 0});
  if (!address.is_v4()) {
    reinterpret_cast<sockaddr_in6*>(&to.storage)->sin6_scope_id = index;
  }
  for (int attempt = 0; attempt < 2; ++attempt) {  // the first may tell the error of something earlier
    if (sendto(channel(which).get(), message.data(), message.size(), MSG_DONTWAIT, to.get(), to.length) >= 0) {
      return;
    }
  }
}

void WitnessWatch::State::send_arp(const IpAddress& target) {
  const ArpMessage message = arp_request(mac, source_v4(), target);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_ARP);
  to.sll_ifindex = static_cast<int>(index);
  to.sll_halen = kBroadcast.size();
  std::ranges::copy(kBroadcast, to.sll_addr);
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (sendto(channel(Channel::arp).get(), message.data(), message.size(), MSG_DONTWAIT,
               reinterpret_cast<const sockaddr*>(&to), sizeof(to)) >= 0) {
      return;
    }
  }
}

void WitnessWatch::State::hear(Channel which, Instant now) {
  Message buffer;
  for (int count = 0; count < kMessagesPerTurn; ++count) {
    const auto received = receive(channel(which), buffer);
    if (!received) {
      return;
    }
    if (answers(which, *received)) {
      tally.on_answer(now);
    }
  }
}

bool WitnessWatch::State::answers(Channel which, const Received& received) const {
  switch (which) {
    case Channel::echo4:
    case Channel::echo6: {
      const auto family = which == Channel::echo4 ? IpAddress::Family::v4 : IpAddress::Family::v6;
      const auto echo = read_echo_reply(family, received.bytes);
      const auto age = echo ? static_cast<std::uint16_t>(sequence - echo->sequence) : kPeriodsInFlight;
      return echo && echo->identifier == identifier && age < kPeriodsInFlight && is_witness(which, received.source);
    }
    case Channel::arp: {
      const auto owner = read_arp_reply(mac, received.bytes);
      return owner && is_witness(which, *owner);
    }
    case Channel::neighbour: {
      const auto owner = read_neighbour_advertisement(received.bytes);
      return owner && received.hops == kNeighbourHops && is_witness(which, *owner);
    }
  }
  return false;
}

bool WitnessWatch::State::is_witness(Channel which, const IpAddress& address) const {
  return std::ranges::any_of(witnesses, [&](const Witness& witness) {
    return witness.kind != WitnessKind::tcp && channel_of(witness) == which && witness.address == address;
  });
}

void WitnessWatch::State::hear_connect(std::uint64_t token, Instant now) {
  const std::uint64_t place = token - kTcpTokens;
  net::Fd& socket = connects[place / kPeriodsInFlight].sockets[place % kPeriodsInFlight];
  if (!socket) {
    return;
  }
  const int error = net::take_error(socket);
  if (error == 0 || error == ECONNREFUSED) {
    tally.on_answer(now);
  }
  net::reset(socket);
}

WitnessWatch::WitnessWatch(std::unique_ptr<State> state) : state_(std::move(state)) {}
WitnessWatch::WitnessWatch(WitnessWatch&&) noexcept = default;
WitnessWatch& WitnessWatch::operator=(WitnessWatch&&) noexcept = default;
WitnessWatch::~WitnessWatch() = default;

Result<WitnessWatch> WitnessWatch::open(const std::vector<Witness>& witnesses, const std::string& interface,
                                        Duration period, Instant now) {
  auto state = std::make_unique<State>(witnesses, interface, period, now);
  if (auto opened = state->open(); !opened) {
    return opened.error();
  }
  return WitnessWatch(std::move(state));
}

int WitnessWatch::fd() const { return state_->epoll.get(); }

Instant WitnessWatch::next_deadline() const {
  const Instant question = state_->tally.next_question();
  const Instant silent = state_->tally.silent_at();
  return silent > state_->turned ? std::min(question, silent) : question;
}

void WitnessWatch::on_events(Instant now) {
  std::array<epoll_event, kEventsPerTurn> events{};
  const int count = epoll_wait(state_->epoll.get(), events.data(), kEventsPerTurn, 0);
  for (int place = 0; place < count; ++place) {
    const std::uint64_t token = events[static_cast<std::size_t>(place)].data.u64;
    if (token < kTcpTokens) {
      state_->hear(static_cast<Channel>(token), now);
    } else {
      state_->hear_connect(token, now);
    }
  }
  if (now >= state_->tally.next_question()) {
    state_->ask(now);
  }
  state_->turned = now;
}

Reach WitnessWatch::reach(Instant now) const { return state_->tally.reach(now); }

}  // namespace tandem::vrrp
