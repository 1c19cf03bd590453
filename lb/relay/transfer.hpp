#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.hpp"
#include "lb/relay/buffer_pool.hpp"
#include "net/fd.hpp"

namespace tandem::lb::relay {

/// One socket of a session, and what the edges of epoll have told of it.
struct Channel {
  net::Fd fd;
  bool readable = false;  // there may be something to read
  bool hung_up = false;   // a FIN or worse is waiting behind the bytes: read to the end
  bool broken = false;    // reset, or otherwise dead
  bool blocked = false;   // takes nothing until it says so

  /// Takes over what epoll says.
  void on_events(std::uint32_t events) noexcept;
};

/// How one direction stands after a turn.
enum class Progress : std::uint8_t {
  waiting,   // for bytes, or for the far side to take some
  more,      // had its share of this turn and could go on
  finished,  // FIN read and all before it passed on
  reset,     // the near side is dead and all that it sent before is passed on
};

/// The bytes on their way from one socket to the other. What the far side does not take is kept, never more than one
/// buffer, and meanwhile nothing is read.
class Transfer {
 public:
  /// Per call; the rest waits for its turn.
  static constexpr std::size_t kBytesPerTurn = 4 * kBufferSize;

  /// Passes on what there is. `scratch` is where bytes land on their way.
  Progress run(Channel& from, Channel& to, Buffer& scratch, BufferPool& buffers);
  /// Sends ahead of everything else, once, before the first run(); `bytes` is at most one buffer.
  void send_first(Bytes bytes, Channel& to, BufferPool& buffers);

  /// Bytes read from the near side; taken by the far one, with those of send_first().
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }
  [[nodiscard]] bool holds_bytes() const noexcept { return kept_ != nullptr; }
  void drop(BufferPool& buffers);

 private:
  enum class Ending : std::uint8_t { none, fin, reset };

  /// Sends as much as goes; the number of bytes taken.
  std::size_t send(Bytes bytes, Channel& to);
  bool flush(Channel& to, BufferPool& buffers);
  void keep(Bytes rest, BufferPool& buffers);
  [[nodiscard]] Progress end() const noexcept { return ending_ == Ending::fin ? Progress::finished : Progress::reset; }

  std::unique_ptr<Buffer> kept_;
  std::size_t kept_begin_ = 0;
  std::size_t kept_end_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  Ending ending_ = Ending::none;
};

}  // namespace tandem::lb::relay
