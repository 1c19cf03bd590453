#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "peer/codec.hpp"

namespace {

using tandem::Bytes;
using tandem::check;
using namespace tandem::peer;

struct Outcome {
  std::vector<Message> messages;
  std::string error;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(Bytes stream, std::size_t piece) {
  Outcome outcome;
  FrameReader reader;
  while (!stream.empty()) {
    const std::size_t size = std::min(piece, stream.size());
    reader.feed(stream.first(size));
    stream = stream.subspan(size);
    for (;;) {
      auto message = reader.next();
      if (!message) {
        outcome.error = message.error().text;
        return outcome;
      }
      if (!*message) {
        break;
      }
      outcome.messages.push_back(std::move(**message));
    }
  }
  return outcome;
}

}  // namespace

/// The first byte chooses the size of the pieces. However the stream is cut, the same is read; and what was read can be
/// said again in no more bytes, and is read as the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const Bytes stream = std::as_bytes(std::span(input + 1, size - 1));

  const Outcome whole = read(stream, size);

  check(read(stream, std::size_t{1} + input[0]) == whole, "pieces are read as the whole");
  std::string again;
  for (const Message& message : whole.messages) {
    encode(message, again);
  }
  check(again.size() <= stream.size(), "nothing is said in more bytes than it was");
  check(read(tandem::as_bytes(again), again.size() + 1) == Outcome{whole.messages, {}}, "what was said can be read");
  return 0;
}
