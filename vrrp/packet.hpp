#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"
#include "vrrp/address_list.hpp"
#include "vrrp/options.hpp"
#include "vrrp/rejection.hpp"

namespace tandem::vrrp {

inline constexpr std::uint8_t kProtocol = 112;

/// 224.0.0.18 or ff02::12.
IpAddress group(IpAddress::Family family);

/// The fields of an advertisement, RFC 9568 section 5.2 and RFC 3768 section 5.3.
struct Packet {
  Version version = Version::v3;
  VirtualRouterId id{1};
  Priority priority{100};
  Duration interval = 1s;  // version 3 in centiseconds, version 2 in seconds on the wire
  AddressList addresses;
  AuthenticationType auth_type = AuthenticationType::none;  // version 2 only, as is the next
  Password password{};

  friend bool operator==(const Packet&, const Packet&) = default;
};

/// What a checksum was found to cover. Version 2 on IPv4 is always message_only, IPv6 always pseudo_header.
enum class ChecksumForm : std::uint8_t {
  pseudo_header,        // {source, destination, 112, length} and the message
  message_only,         // RFC 9568 section 5.2.8
  group_pseudo_header,  // with the group as destination of a unicast advert: keepalived up to 1.3.6
};

struct Route {
  IpAddress source;
  IpAddress destination;
};

/// One advert as it goes behind the IP header.
class EncodedPacket {
 public:
  static constexpr std::size_t kTrailerSize = 28;
  static constexpr std::size_t kSizeMax = 8 + AddressList::kMax * 16 + 8 + kTrailerSize;

  [[nodiscard]] Bytes view() const { return Bytes(bytes_).first(size_); }
  [[nodiscard]] MutableBytes view() { return MutableBytes(bytes_).first(size_); }
  /// Room for `count` more bytes at the end, zeroed.
  MutableBytes extend(std::size_t count);

 private:
  std::array<std::byte, kSizeMax> bytes_{};
  std::size_t size_ = 0;
};

/// The message with its checksum. The interval is in the version's range; addresses and route are of one family.
EncodedPacket encode(const Packet& packet, const Route& route, ChecksumForm form);

/// Computes the checksum anew after a trailer has been appended to a message of `message_size` bytes: for IPv6 it
/// covers the trailer, for IPv4 it does not.
void write_checksum(EncodedPacket& encoded, std::size_t message_size, const Route& route, ChecksumForm form);

/// What a socket tells about a datagram of protocol 112; the payload begins behind the IP header.
struct Datagram {
  Bytes payload;
  Route route;
  std::uint8_t hop_limit = 255;
};

/// A well-formed advert. The views live as long as the datagram.
struct Received {
  Packet packet;
  Route route;
  std::uint8_t hop_limit = 255;
  ChecksumForm checksum = ChecksumForm::pseudo_header;
  Bytes message;
  Bytes trailer;  // 28 bytes when there seems to be one, else empty
};

/// Everything that can be said without knowing whose it is. Zeros behind an IPv4 message, as an Ethernet frame is
/// padded with, are passed over.
std::variant<Received, Rejection> decode(const Datagram& datagram);

/// What an instance takes.
struct Expectation {
  Version version = Version::v3;
  VirtualRouterId id{1};
  Priority priority{100};
  Duration interval = 1s;
  IpAddress self;                    // where our own adverts come from
  std::vector<IpAddress> peers;      // empty: multicast, and the hop limit must be 255
  AddressList addresses;             // in any order
  std::optional<Password> password;  // version 2
};

/// The expectation of an instance that sends from `self`.
Expectation expectation(const Options& options, const IpAddress& self);

using Remarks = std::bitset<kRemarkCount>;

/// Whether the instance takes it, before its trailer is looked at; `remarks` gets what is odd about it.
std::optional<Rejection> examine(const Received& received, const Expectation& expected, Remarks& remarks);

}  // namespace tandem::vrrp
