#include "vrrp/will.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace tandem::vrrp {
namespace {

/// In front of the bytes of every entry. Both processes are the same program.
struct Header {
  Will::Kind kind = Will::Kind::netlink_request;
  std::uint32_t interface = 0;
  std::uint32_t size = 0;
  std::uint32_t address_size = 0;
  std::array<std::uint8_t, 16> address{};
};
static_assert(std::is_trivially_copyable_v<Header>);

IpAddress address_of(const Header& header) {
  if (header.address_size == 4) {
    return IpAddress(
        std::array<std::uint8_t, 4>{header.address[0], header.address[1], header.address[2], header.address[3]});
  }
  return IpAddress(header.address);
}

}  // namespace

bool Will::append(const Entry& entry) {
  if (entry.bytes.size() > kSizeMax - size_ || kSizeMax - size_ - entry.bytes.size() < sizeof(Header)) {
    return false;
  }
  Header header;
  header.kind = entry.kind;
  header.interface = entry.interface;
  header.size = static_cast<std::uint32_t>(entry.bytes.size());
  header.address_size = static_cast<std::uint32_t>(entry.destination.size());
  header.address = entry.destination.bytes();
  std::memcpy(bytes_.data() + size_, &header, sizeof(header));
  std::copy(entry.bytes.begin(), entry.bytes.end(),
            bytes_.begin() + static_cast<std::ptrdiff_t>(size_ + sizeof(header)));
  size_ += sizeof(header) + entry.bytes.size();
  return true;
}

std::optional<Will::Entry> Will::next(std::size_t& offset) const {
  const std::size_t size = std::min(size_, kSizeMax);
  Header header;
  if (offset > size || size - offset < sizeof(header)) {
    return std::nullopt;
  }
  std::memcpy(&header, bytes_.data() + offset, sizeof(header));
  const std::size_t begin = offset + sizeof(header);
  const bool known = header.kind == Kind::netlink_request || header.kind == Kind::ip_packet;
  if (!known || header.size > size - begin || (header.address_size != 4 && header.address_size != 16)) {
    return std::nullopt;
  }
  offset = begin + header.size;
  return Entry{header.kind, header.interface, address_of(header), Bytes(bytes_).subspan(begin, header.size)};
}

}  // namespace tandem::vrrp
