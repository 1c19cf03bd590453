#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/bytes.hpp"

namespace tandem::vrrp {

/// What somebody else does for this node when it no longer can: messages for the kernel, ready to be sent one after the
/// other by a process that understands none of them. Flat, of fixed size, without pointers: it may lie in memory that
/// two processes share. Appending does not allocate.
class Will {
 public:
  enum class Kind : std::uint32_t {
    netlink_request = 1,  // to NETLINK_ROUTE: takes an address off
    ip_packet = 2,        // with its IP header, out of an interface: a farewell
  };

  struct Entry {
    Kind kind = Kind::netlink_request;
    std::uint32_t interface = 0;  // index, for an ip_packet
    IpAddress destination;        // for an ip_packet
    Bytes bytes;                  // lives as long as the will
  };

  static constexpr std::size_t kSizeMax = 64UL * 1024;

  void clear() { size_ = 0; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// False when it does not fit; the will is then unchanged.
  [[nodiscard]] bool append(const Entry& entry);
  /// The entry at `offset`, which then moves on to the next one; empty at the end or when what is there makes no sense.
  [[nodiscard]] std::optional<Entry> next(std::size_t& offset) const;

 private:
  std::size_t size_ = 0;
  std::array<std::byte, kSizeMax> bytes_{};
};

}  // namespace tandem::vrrp
