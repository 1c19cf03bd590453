#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "peer/message.hpp"

namespace tandem::peer {

/// The newest protocol that this node speaks.
inline constexpr std::uint16_t kProtocol = 1;

// Everything on the wire has one form: type (2 bytes), length (4 bytes) and that many bytes. A frame is a message's
// type and its fields, a field is a number (1 to 8 bytes), a text, or fields again; all big-endian. A field that has
// its default value is left out; types and fields that a node does not know are passed over.
inline constexpr std::size_t kFrameBytesMax = std::size_t{256} * 1024;  // header included
inline constexpr std::size_t kNameBytesMax = 512;
inline constexpr std::size_t kReasonBytesMax = 2048;
inline constexpr Duration kDurationMax = std::chrono::hours{24} * 3650;  // no age or term is longer

/// Appends the frame of a message to `out`. Too long reasons are cut, too long durations shortened; a view must fit
/// into a frame and its hints pass is_sendable().
void encode(const Message& message, std::string& out);

/// A hint whose names are longer than the wire allows is not sent.
[[nodiscard]] bool is_sendable(const BackendHint& hint);
[[nodiscard]] bool is_sendable(const OverrideHint& hint);
/// At least what the hint takes in a frame, in bytes.
[[nodiscard]] std::size_t encoded_size_max(const BackendHint& hint);
[[nodiscard]] std::size_t encoded_size_max(const OverrideHint& hint);

/// Cuts a stream of bytes into messages. Holds at most one unfinished frame and what one feed() gave it.
class FrameReader {
 public:
  void feed(Bytes bytes);
  /// The next message that is whole; none: more bytes are needed. An error says what is malformed and ends the link:
  /// the reader must not be asked again.
  Result<std::optional<Message>> next();

 private:
  std::string waiting_;
  std::size_t done_ = 0;  // bytes of `waiting_` that next() has been through
};

}  // namespace tandem::peer
