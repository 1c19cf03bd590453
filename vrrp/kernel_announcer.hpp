#pragma once

#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "net/fd.hpp"
#include "vrrp/announcement.hpp"

namespace tandem::vrrp {

/// Sends the announcements of one instance out of its interface, as ready-made frames. One thread; allocates nothing
/// once it is open.
class KernelAnnouncer {
 public:
  /// The error names the interface and the cause.
  static Result<KernelAnnouncer> open(const std::string& interface, std::uint32_t index,
                                      std::vector<IpAddress> addresses);

  /// For every address, `repeat` times. What the kernel does not take is lost, as a frame on the wire may be.
  void announce(std::uint8_t repeat, const MacAddress& mac, Forwards forwards);

 private:
  KernelAnnouncer(net::Fd fd, std::vector<IpAddress> addresses);

  void write_frames(const MacAddress& mac, Forwards forwards);

  net::Fd fd_;
  std::vector<IpAddress> addresses_;
  MacAddress mac_{};
  Forwards forwards_ = Forwards::no;
  std::vector<std::array<std::byte, sizeof(NeighbourAdvertisement)>> frames_;
  std::vector<iovec> pieces_;
  std::vector<mmsghdr> messages_;
};

}  // namespace tandem::vrrp
