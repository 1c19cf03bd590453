#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "base/address.hpp"
#include "vrrp/packet.hpp"

namespace tandem::vrrp {

/// Which checksum to send: RFC 9568 and keepalived disagree, and each drops the other's. With `automatic` every peer is
/// answered in the form last heard from it, the group in the form last heard from anybody.
class ChecksumChoice {
 public:
  explicit ChecksumChoice(ChecksumOption option) : option_(option) {}

  void on_received(const IpAddress& source, ChecksumForm form);
  [[nodiscard]] ChecksumForm towards(const IpAddress& destination) const;

 private:
  struct Heard {
    IpAddress source;
    ChecksumForm form = ChecksumForm::pseudo_header;
  };
  static constexpr std::size_t kPeersMax = 8;  // the oldest is forgotten

  ChecksumOption option_;
  std::array<std::optional<Heard>, kPeersMax> heard_;  // the latest first
};

}  // namespace tandem::vrrp
