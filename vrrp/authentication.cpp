#include "vrrp/authentication.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/check.hpp"
#include "vrrp/frame_writer.hpp"

namespace tandem::vrrp {
namespace {

// The trailer: type, key id, two reserved bytes, the sequence of eight, the truncated HMAC.
constexpr std::uint8_t kHmacSha256 = 1;
constexpr std::size_t kSequenceAt = 4;
constexpr std::size_t kHmacAt = 12;
constexpr std::size_t kHmacSize = 16;
constexpr std::size_t kChecksumAt = 6;
constexpr std::size_t kPseudoHeaderSize = 20;
constexpr std::size_t kSignedMax = kPseudoHeaderSize + EncodedPacket::kSizeMax;
using Hmac = std::array<std::byte, kHmacSize>;

/// The HMAC of a message and its trailer: over who sends it, the message with a checksum of zero, the trailer with an
/// HMAC of zero. Empty when OpenSSL fails.
std::optional<Hmac> compute(const AuthenticationKey& key, const IpAddress& source, Bytes message, Bytes trailer) {
  std::array<std::byte, kSignedMax> bytes{};
  const std::size_t size = kPseudoHeaderSize + message.size() + trailer.size();
  check(size <= bytes.size(), "an advert fits its room");
  const MutableBytes all = MutableBytes(bytes).first(size);
  FrameWriter(all)
      .u8(source.is_v4() ? 4 : 6)
      .u8(std::to_integer<std::uint8_t>(message[0] >> 4U))
      .bytes(message.subspan(1, 1))
      .u8(0)
      .octets(source.bytes())
      .bytes(message)
      .bytes(trailer.first(kHmacAt));
  write_u16(all.subspan(kPseudoHeaderSize + kChecksumAt), 0);

  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (HMAC(EVP_sha256(), key.secret.data(), static_cast<int>(key.secret.size()),
           reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest.data(), &length) == nullptr) {
    return std::nullopt;
  }
  Hmac truncated{};
  std::ranges::copy(std::as_bytes(std::span(digest).first(kHmacSize)), truncated.begin());
  return truncated;
}

std::uint64_t read_u64(Bytes at) { return std::uint64_t{read_u32(at)} << 32U | read_u32(at.subspan(4)); }

/// The clock as a sequence whose counter is 0.
std::uint64_t clock_sequence(WallTime now) {
  const auto since_epoch = now.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const auto fraction = (static_cast<std::uint64_t>((since_epoch - seconds).count()) << 16U) / 1'000'000'000U;
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(seconds.count())) << 32U | fraction << 16U;
}

bool is_after(std::uint64_t left, std::uint64_t right) { return static_cast<std::int64_t>(left - right) > 0; }

/// How many seconds `left` is ahead of `right`, across the wrap of 2106.
std::int32_t seconds_ahead(std::uint64_t left, std::uint64_t right) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(left >> 32U) - static_cast<std::uint32_t>(right >> 32U));
}

std::int32_t window_seconds(const AuthenticationOptions& options, Duration interval) {
  constexpr std::chrono::seconds floor = 5s;
  const auto derived = std::max(floor, std::chrono::ceil<std::chrono::seconds>(3 * interval));
  return static_cast<std::int32_t>((options.window > 0s ? options.window : derived).count());
}

}  // namespace

Authentication::Authentication(AuthenticationOptions options, Duration interval)
    : options_(std::move(options)), window_(window_seconds(options_, interval)) {
  check(find_key(options_.key_id) != nullptr, "there is a key to sign with");
}

void Authentication::sign(EncodedPacket& encoded, const Route& route, ChecksumForm form, WallTime now) {
  if (options_.mode == AuthenticationMode::receive) {
    return;
  }
  const std::size_t message_size = encoded.view().size();
  const MutableBytes trailer = encoded.extend(EncodedPacket::kTrailerSize);
  const Sequence sequence = next_sequence(now);
  FrameWriter(trailer)
      .u8(kHmacSha256)
      .u8(options_.key_id)
      .u16(0)
      .u32(static_cast<std::uint32_t>(sequence >> 32U))
      .u32(static_cast<std::uint32_t>(sequence & 0xffffffffU));
  const Bytes message = Bytes(encoded.view()).first(message_size);
  if (const auto hmac = compute(*find_key(options_.key_id), route.source, message, trailer)) {
    std::ranges::copy(*hmac, trailer.subspan(kHmacAt).begin());
  }
  write_checksum(encoded, message_size, route, form);
}

std::optional<Rejection> Authentication::verify(const Received& received, WallTime now, Remarks& remarks) {
  const Bytes trailer = received.trailer;
  if (trailer.empty()) {
    if (options_.mode == AuthenticationMode::enforce) {
      return Rejection::trailer_missing;
    }
    remarks.set(static_cast<std::size_t>(Remark::trailer_missing));
    return std::nullopt;
  }
  if (std::to_integer<std::uint8_t>(trailer[0]) != kHmacSha256 || read_u16(trailer.subspan(2)) != 0) {
    return Rejection::trailer_malformed;
  }
  // Before the costly part, so that a flood of old captures costs little; it is not trusted yet.
  const Sequence sequence = read_u64(trailer.subspan(kSequenceAt));
  if (options_.replay == ReplayProtection::time && !is_fresh(sequence, now)) {
    return Rejection::trailer_stale;
  }
  const AuthenticationKey* key = find_key(std::to_integer<std::uint8_t>(trailer[1]));
  if (key == nullptr) {
    return Rejection::trailer_key;
  }
  const auto hmac = compute(*key, received.route.source, received.message, trailer);
  if (!hmac || CRYPTO_memcmp(hmac->data(), trailer.subspan(kHmacAt).data(), kHmacSize) != 0) {
    return Rejection::trailer_hmac;
  }
  return is_newer(received.route.source, sequence, now) ? std::nullopt : std::optional(Rejection::trailer_replayed);
}

const AuthenticationKey* Authentication::find_key(std::uint8_t id) const {
  const auto found = std::ranges::find(options_.keys, id, &AuthenticationKey::id);
  return found == options_.keys.end() ? nullptr : &*found;
}

bool Authentication::is_fresh(Sequence sequence, WallTime now) const {
  const std::int32_t ahead = seconds_ahead(sequence, clock_sequence(now));
  return ahead <= window_ && ahead >= -window_;
}

Authentication::Sequence Authentication::next_sequence(WallTime now) {
  const Sequence clock = clock_sequence(now);
  // A clock that was set back leaves our last sequence where receivers take it for a time to come: start over there.
  const bool stranded = options_.replay == ReplayProtection::time && seconds_ahead(sent_, clock) > window_;
  sent_ = sent_ == 0 || stranded || is_after(clock, sent_) ? clock : sent_ + 1;
  return sent_;
}

bool Authentication::is_newer(const IpAddress& source, Sequence sequence, WallTime now) {
  const auto found =
      std::ranges::find_if(senders_, [&](const auto& sender) { return !sender || sender->source == source; });
  const auto place = found == senders_.end() ? senders_.end() - 1 : found;
  const bool known = *place && (*place)->source == source;
  // A mark outside the window orders only what the window drops anyhow; it may come from before the sender's clock was
  // put right.
  const bool counts = known && (options_.replay == ReplayProtection::monotonic || is_fresh((*place)->last, now));
  if (counts && !is_after(sequence, (*place)->last)) {
    return false;
  }
  *place = Sender{source, sequence};
  std::rotate(senders_.begin(), place, place + 1);
  return true;
}

std::optional<Rejection> verify_without_keys(const Received& received) {
  return received.trailer.empty() ? std::nullopt : std::optional(Rejection::trailer_unexpected);
}

}  // namespace tandem::vrrp
