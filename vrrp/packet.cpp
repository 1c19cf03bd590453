#include "vrrp/packet.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.hpp"
#include "vrrp/inet_sum.hpp"

namespace tandem::vrrp {
namespace {

constexpr std::size_t kHeaderSize = 8;
constexpr std::size_t kPasswordSize = 8;
constexpr std::size_t kChecksumAt = 6;
constexpr std::size_t kPaddingMax = 18;  // an Ethernet payload of 46 bytes less an IPv4 header and our fixed part
constexpr unsigned kAdvertisement = 1;
using Centiseconds = std::chrono::duration<std::int64_t, std::centi>;

/// The checksum of `covered`; over bytes that contain their right checksum it is 0.
std::uint16_t checksum(Bytes covered, const Route& route, ChecksumForm form) {
  InetSum sum;
  sum.add(covered);
  if (form != ChecksumForm::message_only) {
    const bool to_group = form == ChecksumForm::group_pseudo_header;
    sum.add_pseudo_header(route.source, to_group ? group(route.source.family()) : route.destination, kProtocol,
                          covered.size());
  }
  return sum.folded();
}

/// The form to compute, where the version or the family leaves no choice.
ChecksumForm effective(ChecksumForm form, Version version, IpAddress::Family family) {
  if (family == IpAddress::Family::v6) {
    return ChecksumForm::pseudo_header;
  }
  return version == Version::v2 ? ChecksumForm::message_only : form;
}

std::optional<ChecksumForm> matching_form(Bytes covered, const Route& route, Version version) {
  const auto family = route.source.family();
  for (const ChecksumForm form :
       {ChecksumForm::pseudo_header, ChecksumForm::message_only, ChecksumForm::group_pseudo_header}) {
    const bool possible = effective(form, version, family) == form;
    if (possible && checksum(covered, route, form) == 0) {
      return form;
    }
  }
  return std::nullopt;
}

std::size_t message_size(Version version, std::size_t count, std::size_t address_size) {
  return kHeaderSize + count * address_size + (version == Version::v2 ? kPasswordSize : 0);
}

IpAddress read_address(Bytes at, IpAddress::Family family) {
  if (family == IpAddress::Family::v4) {
    std::array<std::uint8_t, 4> bytes{};
    std::ranges::transform(at.first(bytes.size()), bytes.begin(), std::to_integer<std::uint8_t>);
    return IpAddress(bytes);
  }
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::transform(at.first(bytes.size()), bytes.begin(), std::to_integer<std::uint8_t>);
  return IpAddress(bytes);
}

bool is_link_local(const IpAddress& address) {
  return !address.is_v4() && address.bytes()[0] == 0xfeU && (address.bytes()[1] & 0xc0U) == 0x80U;
}

bool is_group(const IpAddress& address) {
  return address.is_v4() ? (address.bytes()[0] & 0xf0U) == 0xe0U : address.bytes()[0] == 0xffU;
}

/// The fields behind a first byte that has been looked at, from a payload that is long enough.
Packet read_fields(Version version, Bytes payload, IpAddress::Family family) {
  Packet packet;
  packet.version = version;
  packet.id = VirtualRouterId{std::to_integer<std::uint8_t>(payload[1])};
  packet.priority = Priority{std::to_integer<std::uint8_t>(payload[2])};
  const auto count = std::to_integer<std::size_t>(payload[3]);
  const std::size_t size = family == IpAddress::Family::v4 ? 4 : 16;
  for (std::size_t i = 0; i < count; ++i) {
    packet.addresses.push_back(read_address(payload.subspan(kHeaderSize + i * size), family));
  }
  if (version == Version::v3) {
    packet.interval = Centiseconds(read_u16(payload.subspan(4)) & 0x0fffU);
    return packet;
  }
  packet.auth_type = AuthenticationType{std::to_integer<std::uint8_t>(payload[4])};
  packet.interval = std::chrono::seconds(std::to_integer<int>(payload[5]));
  std::ranges::copy(payload.subspan(kHeaderSize + count * size, kPasswordSize), packet.password.begin());
  return packet;
}

/// Where the message ends, given that it should be `size` bytes long: a trailer and padding may follow.
std::optional<Rejection> split(const Datagram& datagram, std::size_t size, Received& received) {
  if (datagram.payload.size() < size) {
    return Rejection::length;
  }
  received.message = datagram.payload.first(size);
  const Bytes rest = datagram.payload.subspan(size);
  if (rest.size() == EncodedPacket::kTrailerSize) {
    received.trailer = rest;
    return std::nullopt;
  }
  const bool padding = datagram.route.source.is_v4() && rest.size() <= kPaddingMax &&
                       std::ranges::all_of(rest, [](std::byte byte) { return byte == std::byte{0}; });
  return rest.empty() || padding ? std::nullopt : std::optional(Rejection::length);
}

std::optional<Rejection> implausible(const Packet& packet) {
  if (packet.addresses.empty()) {
    return Rejection::no_addresses;
  }
  const IpAddress& first = *packet.addresses.begin();
  if (!first.is_v4() && !is_link_local(first)) {
    return Rejection::not_link_local;
  }
  return packet.interval == Duration::zero() ? std::optional(Rejection::no_interval) : std::nullopt;
}

bool same_set(const AddressList& left, const AddressList& right) {
  return left.size() == right.size() && std::is_permutation(left.begin(), left.end(), right.begin());
}

/// The two kinds of version 2 authentication that a receiver can compare.
std::optional<Rejection> examine_password(const Packet& packet, const std::optional<Password>& password) {
  const auto wanted = password ? AuthenticationType::password : AuthenticationType::none;
  if (packet.auth_type != wanted) {
    return Rejection::auth_type;
  }
  return password && packet.password != *password ? std::optional(Rejection::auth_password) : std::nullopt;
}

std::optional<Rejection> examine_route(const Received& received, const Expectation& expected) {
  const Route& route = received.route;
  if (route.source == expected.self) {
    return Rejection::own_source;
  }
  const bool unicast = !expected.peers.empty();
  if (is_group(route.destination) == unicast) {
    return Rejection::destination;
  }
  if (!unicast) {
    return received.hop_limit == 255 ? std::nullopt : std::optional(Rejection::hop_limit);
  }
  const bool known = std::ranges::find(expected.peers, route.source) != expected.peers.end();
  return known ? std::nullopt : std::optional(Rejection::unknown_peer);
}

}  // namespace

IpAddress group(IpAddress::Family family) {
  if (family == IpAddress::Family::v4) {
    return IpAddress(std::array<std::uint8_t, 4>{224, 0, 0, 18});
  }
  return IpAddress(std::array<std::uint8_t, 16>{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12});
}

MutableBytes EncodedPacket::extend(std::size_t count) {
  check(size_ + count <= kSizeMax, "an advert fits its room");
  const MutableBytes added = MutableBytes(bytes_).subspan(size_, count);
  size_ += count;
  return added;
}

EncodedPacket encode(const Packet& packet, const Route& route, ChecksumForm form) {
  EncodedPacket encoded;
  const MutableBytes header = encoded.extend(kHeaderSize);
  header[0] = static_cast<std::byte>(static_cast<unsigned>(packet.version) << 4U | kAdvertisement);
  header[1] = static_cast<std::byte>(packet.id);
  header[2] = static_cast<std::byte>(packet.priority);
  header[3] = static_cast<std::byte>(packet.addresses.size());
  if (packet.version == Version::v3) {
    const auto interval = std::chrono::duration_cast<Centiseconds>(packet.interval).count();
    check(interval >= 1 && interval <= 4095, "a version 3 interval is 10 ms to 40.95 s");
    write_u16(header.subspan(4), static_cast<std::uint16_t>(interval));
  } else {
    const auto interval = std::chrono::duration_cast<std::chrono::seconds>(packet.interval).count();
    check(interval >= 1 && interval <= 255, "a version 2 interval is 1 s to 255 s");
    header[4] = static_cast<std::byte>(packet.auth_type);
    header[5] = static_cast<std::byte>(interval);
  }
  for (const IpAddress& address : packet.addresses) {
    check(address.family() == route.source.family(), "an advert is of one family");
    std::ranges::copy(std::as_bytes(std::span(address.bytes()).first(address.size())),
                      encoded.extend(address.size()).begin());
  }
  if (packet.version == Version::v2) {
    std::ranges::copy(packet.password, encoded.extend(kPasswordSize).begin());
  }
  write_checksum(encoded, encoded.view().size(), route, form);
  return encoded;
}

void write_checksum(EncodedPacket& encoded, std::size_t message_size, const Route& route, ChecksumForm form) {
  const MutableBytes all = encoded.view();
  const auto version = Version{std::to_integer<std::uint8_t>(all[0] >> 4U)};
  const MutableBytes field = all.subspan(kChecksumAt, 2);
  write_u16(field, 0);
  const Bytes covered = route.source.is_v4() ? all.first(message_size) : all;
  write_u16(field, checksum(covered, route, effective(form, version, route.source.family())));
}

std::variant<Received, Rejection> decode(const Datagram& datagram) {
  const Bytes payload = datagram.payload;
  if (payload.size() < kHeaderSize) {
    return Rejection::too_short;
  }
  const auto first = std::to_integer<unsigned>(payload[0]);
  const auto version = Version{static_cast<std::uint8_t>(first >> 4U)};
  if (version != Version::v2 && version != Version::v3) {
    return Rejection::version;
  }
  if ((first & 0x0fU) != kAdvertisement) {
    return Rejection::type;
  }
  const auto family = datagram.route.source.family();
  Received received;
  received.route = datagram.route;
  received.hop_limit = datagram.hop_limit;
  const auto count = std::to_integer<std::size_t>(payload[3]);
  if (const auto wrong = split(datagram, message_size(version, count, datagram.route.source.size()), received)) {
    return *wrong;
  }
  const Bytes covered = datagram.route.source.is_v4() ? received.message : payload;
  const auto form = matching_form(covered, datagram.route, version);
  if (!form) {
    return Rejection::checksum;
  }
  received.checksum = *form;
  received.packet = read_fields(version, payload, family);
  if (const auto wrong = implausible(received.packet)) {
    return *wrong;
  }
  return received;
}

Expectation expectation(const Options& options, const IpAddress& self) {
  Expectation expected;
  expected.version = options.version;
  expected.id = options.id;
  expected.priority = options.priority;
  expected.interval = options.interval;
  expected.self = self;
  expected.peers = options.peers;
  for (const VirtualAddress& virtual_address : options.addresses) {
    expected.addresses.push_back(virtual_address.address);
  }
  expected.password = options.password;
  return expected;
}

std::optional<Rejection> examine(const Received& received, const Expectation& expected, Remarks& remarks) {
  const Packet& packet = received.packet;
  if (packet.id != expected.id) {
    return Rejection::foreign_id;
  }
  if (const auto wrong = examine_route(received, expected)) {
    return wrong;
  }
  if (packet.version != expected.version) {
    return Rejection::version;
  }
  if (packet.version == Version::v2) {
    if (const auto wrong = examine_password(packet, expected.password)) {
      return wrong;
    }
    if (packet.interval != expected.interval) {
      return Rejection::interval;
    }
  }
  remarks[static_cast<std::size_t>(Remark::interval)] = packet.interval != expected.interval;
  remarks[static_cast<std::size_t>(Remark::address_list)] = !same_set(packet.addresses, expected.addresses);
  remarks[static_cast<std::size_t>(Remark::two_owners)] = packet.priority == kOwner && expected.priority == kOwner;
  return std::nullopt;
}

}  // namespace tandem::vrrp
