#include "vrrp/kernel_announcer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.hpp"

namespace tandem::vrrp {

KernelAnnouncer::KernelAnnouncer(net::Fd fd, std::vector<IpAddress> addresses)
    : fd_(std::move(fd)),
      addresses_(std::move(addresses)),
      frames_(addresses_.size()),
      pieces_(addresses_.size()),
      messages_(addresses_.size()) {
  write_frames(mac_, forwards_);
}

Result<KernelAnnouncer> KernelAnnouncer::open(const std::string& interface, std::uint32_t index,
                                              std::vector<IpAddress> addresses) {
  // Protocol 0: nothing is received.
  net::Fd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_ll place{};
  place.sll_family = AF_PACKET;
  place.sll_ifindex = static_cast<int>(index);
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&place), sizeof(place)) != 0) {
    return Error{concat("interface \"", interface, "\": cannot open a packet socket: ", std::strerror(errno))};
  }
  constexpr int control = 7;  // TC_PRIO_CONTROL: before all data in the interface's queue
  ::setsockopt(fd.get(), SOL_SOCKET, SO_PRIORITY, &control, sizeof(control));
  return KernelAnnouncer(std::move(fd), std::move(addresses));
}

void KernelAnnouncer::write_frames(const MacAddress& mac, Forwards forwards) {
  mac_ = mac;
  forwards_ = forwards;
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    if (addresses_[i].is_v4()) {
      const GratuitousArp frame = gratuitous_arp(mac, addresses_[i]);
      std::ranges::copy(frame, frames_[i].begin());
      pieces_[i] = {frames_[i].data(), frame.size()};
    } else {
      frames_[i] = neighbour_advertisement(mac, addresses_[i], forwards);
      pieces_[i] = {frames_[i].data(), frames_[i].size()};
    }
    messages_[i].msg_hdr.msg_iov = &pieces_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
}

void KernelAnnouncer::announce(std::uint8_t repeat, const MacAddress& mac, Forwards forwards) {
  if (mac != mac_ || forwards != forwards_) {
    write_frames(mac, forwards);
  }
  for (unsigned round = 0; round < repeat; ++round) {
    for (std::size_t at = 0; at < messages_.size();) {
      const int sent = ::sendmmsg(fd_.get(), &messages_[at], static_cast<unsigned>(messages_.size() - at), 0);
      at += sent > 0 ? static_cast<std::size_t>(sent) : 1;  // the one that is refused is passed over
    }
  }
}

}  // namespace tandem::vrrp
