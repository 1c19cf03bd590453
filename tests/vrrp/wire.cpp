#include "tests/vrrp/wire.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>

namespace tandem::vrrp {
namespace {

constexpr std::size_t kEthernetSize = 14;

std::uint8_t octet(Bytes frame, std::size_t at) { return std::to_integer<std::uint8_t>(frame[at]); }

bool has_protocol(Bytes frame, std::uint8_t protocol) {
  if (frame.size() < kEthernetSize + 40) {
    return frame.size() >= kEthernetSize + 20 && read_u16(frame.subspan(12)) == ETH_P_IP &&
           octet(frame, kEthernetSize + 9) == protocol;
  }
  const std::uint16_t type = read_u16(frame.subspan(12));
  return (type == ETH_P_IP && octet(frame, kEthernetSize + 9) == protocol) ||
         (type == ETH_P_IPV6 && octet(frame, kEthernetSize + 6) == protocol);
}

}  // namespace

Wire::Wire(const std::string& interface) : fd_(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL))) {
  REQUIRE(static_cast<bool>(fd_));
  index_ = static_cast<int>(::if_nametoindex(interface.c_str()));
  sockaddr_ll place{};
  place.sll_family = AF_PACKET;
  place.sll_protocol = htons(ETH_P_ALL);
  place.sll_ifindex = index_;
  REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&place), sizeof(place)) == 0);
}

void Wire::send(Bytes frame) { REQUIRE(::send(fd_.get(), frame.data(), frame.size(), 0) >= 0); }

Frame Wire::next(const std::function<bool(Bytes)>& fits, std::chrono::milliseconds patience) {
  constexpr int frames_max = 1000;
  for (int i = 0; i < frames_max; ++i) {
    pollfd readable{fd_.get(), POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(patience.count())) != 1) {
      return {};
    }
    std::array<std::byte, 4096> buffer{};
    const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size > 0 && fits(Bytes(buffer).first(static_cast<std::size_t>(size)))) {
      return Frame(buffer.begin(), buffer.begin() + size);
    }
  }
  return {};
}

std::vector<Frame> Wire::waiting(const std::function<bool(Bytes)>& fits) {
  std::vector<Frame> frames;
  std::array<std::byte, 4096> buffer{};
  for (ssize_t size = 0; size >= 0;) {
    size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size > 0 && fits(Bytes(buffer).first(static_cast<std::size_t>(size)))) {
      frames.emplace_back(buffer.begin(), buffer.begin() + size);
    }
  }
  return frames;
}

bool is_advert(Bytes frame) { return has_protocol(frame, 112); }

bool is_arp(Bytes frame) { return frame.size() >= 42 && read_u16(frame.subspan(12)) == ETH_P_ARP; }

bool is_neighbour_advertisement(Bytes frame) {
  return has_protocol(frame, 58) && octet(frame, kEthernetSize + 40) == 136;
}

}  // namespace tandem::vrrp
