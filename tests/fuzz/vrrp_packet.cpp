#include "vrrp/packet.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "vrrp/authentication.hpp"

namespace {

using tandem::Bytes;
using tandem::check;
using tandem::IpAddress;
using namespace tandem::vrrp;

/// Bit 0 chooses the family, bit 1 the destination.
Route route(std::uint8_t choice) {
  const bool unicast = (choice & 2U) != 0;
  if ((choice & 1U) != 0) {
    const IpAddress source(std::array<std::uint8_t, 16>{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0, 1});
    const IpAddress peer(std::array<std::uint8_t, 16>{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0, 2});
    return {source, unicast ? peer : group(IpAddress::Family::v6)};
  }
  const IpAddress source(std::array<std::uint8_t, 4>{10, 77, 0, 1});
  const IpAddress peer(std::array<std::uint8_t, 4>{10, 77, 0, 2});
  return {source, unicast ? peer : group(IpAddress::Family::v4)};
}

Authentication authentication() {
  AuthenticationOptions options;
  options.keys = {{1, std::vector<std::byte>(32, std::byte{7})}};
  options.mode = AuthenticationMode::permissive;
  return {options, std::chrono::seconds(1)};
}

/// The message with the checksum that it should have had, so that what lies behind it is reached.
EncodedPacket with_right_checksum(Bytes bytes, const Route& way) {
  EncodedPacket encoded;
  std::ranges::copy(bytes, encoded.extend(bytes.size()).begin());
  const std::size_t address_size = way.source.size();
  const std::size_t message_size =
      8 + std::to_integer<std::size_t>(bytes[3]) * address_size + ((bytes[0] >> 4U) == std::byte{2} ? 8 : 0);
  write_checksum(encoded, std::min(message_size, bytes.size()), way, ChecksumForm::pseudo_header);
  return encoded;
}

}  // namespace

/// The first byte chooses family and destination. What is taken can be sent and is read as the same, and no forged
/// trailer is ever taken.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  if (size < 9 || size - 1 > EncodedPacket::kSizeMax) {
    return 0;
  }
  const Route way = route(input[0]);
  const Bytes given = std::as_bytes(std::span(input + 1, size - 1));
  (void)decode({given, way, 255});
  const EncodedPacket corrected = with_right_checksum(given, way);

  const auto decoded = decode({corrected.view(), way, 255});

  const auto* received = std::get_if<Received>(&decoded);
  if (received == nullptr) {
    check(!name(std::get<Rejection>(decoded)).empty(), "every reason has a name");
    return 0;
  }
  Remarks remarks;
  (void)examine(*received, Expectation{}, remarks);
  Authentication keys = authentication();
  const auto verdict = keys.verify(*received, tandem::WallTime(), remarks);
  check(verdict.has_value() == !received->trailer.empty(), "a trailer without the secret is never taken");

  const EncodedPacket again = encode(received->packet, way, received->checksum);
  const auto decoded_again = decode({again.view(), way, 255});
  check(std::get<Received>(decoded_again).packet == received->packet, "what was sent can be read");
  return 0;
}
