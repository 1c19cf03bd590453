#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "vrrp/will_executor.hpp"
#include "watched.hpp"

namespace tandem::app {

using namespace std::chrono_literals;

namespace {

constexpr std::array<std::uint8_t, 4> kVirtual = {192, 0, 2, 100};
constexpr std::array<std::uint8_t, 4> kGroup = {224, 0, 0, 18};

void write_file(const char* path, const std::string& text) {
  const net::Fd file(::open(path, O_WRONLY | O_CLOEXEC));
  static_cast<void>(::write(file.get(), text.data(), text.size()));  // what it is for fails then
}

/// In a namespace of our own: two interfaces joined, `left` with a virtual address. Empty, or why not.
std::string make_network() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return std::string("unshare: ") + std::strerror(errno);
  }
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
  write_file("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
  const int failed = std::system(
      "ip link add left type veth peer name right && ip link set left up && ip link set right up && "
      "ip address add 192.0.2.100/24 dev left");
  return failed == 0 ? "" : "ip(8) cannot make the network";
}

bool has_address() { return std::system("ip -4 -o address show dev left | grep -q 'inet 192.0.2.100/24'") == 0; }

/// Everything that comes in on `right`.
net::Fd open_tap() {
  net::Fd tap(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP)));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_IP);
  address.sll_ifindex = static_cast<int>(::if_nametoindex("right"));
  static_cast<void>(::bind(tap.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)));
  return tap;
}

std::vector<std::byte> removal_of_address() {
  struct Request {
    nlmsghdr header;
    ifaddrmsg address;
    rtattr local;
    std::array<std::uint8_t, 4> ip;
  };
  static_assert(sizeof(Request) == 32);
  Request request{};
  request.header.nlmsg_len = sizeof(Request);
  request.header.nlmsg_type = RTM_DELADDR;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  request.address.ifa_family = AF_INET;
  request.address.ifa_prefixlen = 24;
  request.address.ifa_index = ::if_nametoindex("left");
  request.local.rta_type = IFA_LOCAL;
  request.local.rta_len = RTA_LENGTH(4);
  request.ip = kVirtual;
  std::vector<std::byte> bytes(sizeof(request));
  std::memcpy(bytes.data(), &request, sizeof(request));
  return bytes;
}

/// An IPv4 header of protocol 112 and eight bytes; the kernel fills in the checksum of the header.
std::array<std::byte, 28> farewell() {
  std::array<std::byte, 28> packet{};
  packet[0] = std::byte{0x45};
  packet[3] = std::byte{28};
  packet[8] = std::byte{255};
  packet[9] = std::byte{112};
  std::memcpy(&packet[12], kVirtual.data(), kVirtual.size());
  std::memcpy(&packet[16], kGroup.data(), kGroup.size());
  packet[20] = std::byte{0x31};
  packet[27] = std::byte{0x5a};
  return packet;
}

vrrp::Will real_will() {
  vrrp::Will will;
  const std::vector<std::byte> removal = removal_of_address();
  const std::array<std::byte, 28> packet = farewell();
  static_cast<void>(will.append({vrrp::Will::Kind::ip_packet, ::if_nametoindex("left"), IpAddress(kGroup), packet}));
  static_cast<void>(will.append({vrrp::Will::Kind::netlink_request, 0, IpAddress(kGroup), removal}));
  return will;
}

/// When a farewell has come, of CLOCK_MONOTONIC; 0: none within some seconds.
std::int64_t await_farewell(const net::Fd& tap) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < deadline) {
    pollfd polled{tap.get(), POLLIN, 0};
    static_cast<void>(::poll(&polled, 1, 1000));
    std::array<std::byte, 2048> frame{};
    const ssize_t size = ::recv(tap.get(), frame.data(), frame.size(), MSG_DONTWAIT);
    if (size == 28 && frame[9] == std::byte{112} && frame[27] == std::byte{0x5a}) {
      return now_ns();
    }
  }
  return 0;
}

enum class Loss { killed, stopped };

/// To be called in a process that may enter namespaces. Says what came out: "good: 123 us", or "not possible: why", or
/// what failed.
std::string lose_a_child(Loss loss) {
  if (const std::string obstacle = make_network(); !obstacle.empty()) {
    return "not possible: " + obstacle;
  }
  if (const auto opened = vrrp::WillExecutor::open(); !opened) {
    return "not possible: " + opened.error().text;
  }
  const net::Fd tap = open_tap();
  Watched::Setting setting;
  setting.kernel = true;
  const Watched watched(
      [](Lifeline& lifeline, Notes& notes) {
        if (notes.lives == 1) {
          lifeline.deposit(real_will());
        }
        return Service{100ms}(lifeline, notes);
      },
      setting);
  if (!eventually([&] { return watched.notes().serving == 1; }) || !has_address()) {
    return "nothing to lose";
  }
  const std::int64_t begun = now_ns();
  ::kill(watched.notes().child, loss == Loss::killed ? SIGKILL : SIGSTOP);
  const std::int64_t heard = await_farewell(tap);
  if (heard == 0) {
    return "no farewell; " + watched.log();
  }
  if (!eventually([] { return !has_address(); })) {
    return "the address is still there; " + watched.log();
  }
  if (!eventually([&] { return watched.notes().serving == 2; })) {
    return "no second life; " + watched.log();
  }
  return "good: " + std::to_string((heard - begun) / 1000) + " us";
}

std::string lose_a_child_elsewhere(Loss loss) {
  const net::Fd answer(::memfd_create("answer", MFD_CLOEXEC));
  const pid_t process = ::fork();
  if (process == 0) {
    ::alarm(90);
    const std::string text = lose_a_child(loss);
    static_cast<void>(::write(answer.get(), text.data(), text.size()));  // an empty answer is none
    std::_Exit(0);
  }
  ::waitpid(process, nullptr, 0);
  std::array<char, 4096> text{};
  const ssize_t size = ::pread(answer.get(), text.data(), text.size(), 0);
  return {text.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

void check_loss(Loss loss) {
  const std::string answer = lose_a_child_elsewhere(loss);
  if (answer.rfind("not possible: ", 0) == 0) {
    MESSAGE("skipped: ", answer);
    return;
  }
  CHECK_MESSAGE(answer.rfind("good: ", 0) == 0, answer);
  MESSAGE("until the farewell was heard: ", answer);
}

}  // namespace

TEST_SUITE("app/watcher/namespace") {
  TEST_CASE("a killed child loses its address and the neighbours hear of it") { check_loss(Loss::killed); }

  TEST_CASE("a stopped child loses its address and the neighbours hear of it") { check_loss(Loss::stopped); }
}

}  // namespace tandem::app
