#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/time.hpp"
#include "vrrp/options.hpp"
#include "vrrp/packet.hpp"
#include "vrrp/rejection.hpp"

namespace tandem::vrrp {

/// The HMAC-SHA256 trailer of one instance: signs what it sends and verifies what it receives, as keepalived 2.4 does
/// (draft-cassen-vrrp-auth-hmac). Reads no clock: the caller passes the time of day in, which peers must agree on to
/// within the window.
class Authentication {
 public:
  /// `options` have the signing key among their keys, each of 32 to 64 bytes; `interval` sets the default window.
  Authentication(AuthenticationOptions options, Duration interval);

  /// Appends the trailer to a message and makes its checksum anew; in the receive mode leaves it as it is. Once per
  /// advert: copies of it to several unicast peers say the same, but for their checksum.
  void sign(EncodedPacket& encoded, const Route& route, ChecksumForm form, WallTime now);

  /// Why the advert is dropped. A trailer that is there must be right in every mode; one that is missing is remarked
  /// unless it is enforced.
  [[nodiscard]] std::optional<Rejection> verify(const Received& received, WallTime now, Remarks& remarks);

 private:
  /// Seconds, a 16-bit fraction and a counter, compared as RFC 1982 serial numbers.
  using Sequence = std::uint64_t;
  struct Sender {
    IpAddress source;
    Sequence last = 0;
  };
  static constexpr std::size_t kSendersMax = 4;  // the longest silent is forgotten; only signed adverts get a place

  [[nodiscard]] const AuthenticationKey* find_key(std::uint8_t id) const;
  [[nodiscard]] bool is_fresh(Sequence sequence, WallTime now) const;
  [[nodiscard]] Sequence next_sequence(WallTime now);
  [[nodiscard]] bool is_newer(const IpAddress& source, Sequence sequence, WallTime now);

  AuthenticationOptions options_;
  std::int32_t window_;  // seconds
  Sequence sent_ = 0;
  std::array<std::optional<Sender>, kSendersMax> senders_;  // the latest heard first
};

/// Whether an instance without keys takes it: keepalived drops every trailer that it does not know.
std::optional<Rejection> verify_without_keys(const Received& received);

}  // namespace tandem::vrrp
