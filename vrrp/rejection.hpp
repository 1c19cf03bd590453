#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tandem::vrrp {

/// Why a received datagram is dropped. RFC 9568 section 7.1 and its errata, RFC 3768 section 7.1, the HMAC draft.
enum class Rejection : std::uint8_t {
  too_short,           // no room for the fixed part
  hop_limit,           // not 255: it crossed a router
  own_source,          // our own advert, or a stranger with our address
  version,             // neither 2 nor 3, or not the instance's
  type,                // not an advertisement
  length,              // does not fit the number of addresses
  checksum,            // in no form
  no_addresses,        // erratum 8299
  not_link_local,      // first IPv6 address, erratum 8300
  no_interval,         // 0, erratum 8301
  foreign_id,          // another virtual router's
  interval,            // version 2: not ours
  destination,         // multicast to a unicast instance or the other way round
  unknown_peer,        // unicast from an address that is not a peer's
  auth_type,           // version 2
  auth_password,       // version 2
  trailer_missing,     // the HMAC trailer is enforced
  trailer_unexpected,  // the instance has no keys
  trailer_malformed,   // type, or reserved bytes
  trailer_key,         // no such key
  trailer_stale,       // outside the window
  trailer_hmac,        // forged, or another secret
  trailer_replayed,    // not newer than the sender's last
};
inline constexpr std::size_t kRejectionCount = 23;

/// What is odd about a datagram that is taken nevertheless.
enum class Remark : std::uint8_t {
  address_list,     // not ours
  interval,         // version 3: not ours
  two_owners,       // both say priority 255
  trailer_missing,  // not enforced yet
};
inline constexpr std::size_t kRemarkCount = 4;

/// As the label `reason` says it: "hop_limit".
std::string_view name(Rejection rejection);
std::string_view name(Remark remark);

}  // namespace tandem::vrrp
