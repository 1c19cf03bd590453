#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "net/fd.hpp"

namespace tandem::vrrp {

using Frame = std::vector<std::byte>;

/// What passes an interface, outgoing frames too, and a way to put frames onto it.
class Wire {
 public:
  explicit Wire(const std::string& interface);

  void send(Bytes frame);
  /// The next frame that fits; none when there is none for `patience`.
  Frame next(const std::function<bool(Bytes)>& fits, std::chrono::milliseconds patience = std::chrono::seconds(1));
  /// All frames that fit and have come until now.
  std::vector<Frame> waiting(const std::function<bool(Bytes)>& fits);

 private:
  net::Fd fd_;
  int index_ = 0;
};

/// An IPv4 or IPv6 frame of protocol 112.
bool is_advert(Bytes frame);
bool is_arp(Bytes frame);
/// A neighbour advertisement, ICMPv6 type 136.
bool is_neighbour_advertisement(Bytes frame);

}  // namespace tandem::vrrp
