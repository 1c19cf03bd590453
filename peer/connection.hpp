#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "net/fd.hpp"
#include "net/reactor.hpp"
#include "peer/codec.hpp"
#include "peer/message.hpp"
#include "peer/tls.hpp"

namespace tandem::peer {

/// One TCP connection with TLS on it, cut into messages. Decides nothing. Only the link's thread.
class Connection final : public net::EventHandler {
 public:
  enum class Trouble {
    unreachable,  // no TCP connection
    refused,      // who it is, or what it says, is wrong
    ended,        // closed or reset by the other end
  };
  struct End {
    Trouble trouble = Trouble::ended;
    std::string reason;
  };

  /// Takes a connected socket, or one that connects.
  Connection(net::Fd socket, std::shared_ptr<const TlsContext> context, TlsRole role);

  void on_events(std::uint32_t events) override { events_ |= events; }
  /// Does what the socket is ready for; reads a bounded amount. True while there is more to read.
  bool advance();
  /// Once, when TLS stands.
  [[nodiscard]] bool take_established();
  /// Bytes were read since the last call.
  [[nodiscard]] bool take_heard();
  /// The next whole message; none left: end() says whether there will be more.
  [[nodiscard]] std::optional<Message> next_message();
  [[nodiscard]] const std::optional<End>& end() const { return end_; }

  /// Queues it; flush() or the next advance() writes.
  void send(const Message& message);
  void flush();
  /// Nothing waits for the socket, which takes as much as the network does.
  [[nodiscard]] bool is_drained() const { return written_ == out_.size(); }
  /// Says the end of TLS and of TCP; what is queued gets so long, and the other end to hang up.
  void close(Duration patience);
  [[nodiscard]] const net::Fd& socket() const { return socket_; }

 private:
  enum class Phase { connecting, handshaking, open };

  void finish_connect();
  void handshake();
  bool read_socket();
  void read_plain();
  void fail(Trouble trouble, std::string reason);

  net::Fd socket_;
  TlsChannel tls_;
  FrameReader frames_;
  Phase phase_ = Phase::connecting;
  std::uint32_t events_ = 0;
  bool established_ = false;
  bool heard_ = false;
  std::optional<End> end_;  // after what is in frames_
  std::string broken_;      // the socket takes no more; what has arrived is still to be read
  std::string out_;         // encrypted
  std::size_t written_ = 0;
};

}  // namespace tandem::peer
