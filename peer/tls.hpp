#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "peer/options.hpp"

namespace tandem::peer {

/// How both nodes prove who they are: TLS 1.3 only, without tickets and early data. Never changes; any thread.
class TlsContext {
 public:
  /// A secret that both share, with a fresh Diffie-Hellman exchange each time: who learns it later cannot read what was
  /// said before. RFC 8446 section 4.2.9, psk_dhe_ke.
  static Result<std::shared_ptr<const TlsContext>> from_key(std::string_view secret);
  /// Each shows a certificate that the authority has signed. The name in it does not matter: the authority is the
  /// pair's.
  static Result<std::shared_ptr<const TlsContext>> from_certificates(const Certificates& files);
  /// By whichever of the two the options name; reads the files, the error names the one at fault.
  static Result<std::shared_ptr<const TlsContext>> from_options(const Options& options);

  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsChannel;
  struct State;
  explicit TlsContext(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

enum class TlsRole { client, server };

/// One end of one TLS connection. Does no I/O: the caller feeds what the socket received and sends what take_output()
/// gives, after every step, also after the one that failed: it holds the alert.
class TlsChannel {
 public:
  enum class Progress {
    done,
    wants_input,  // feed received() and call again
    ended,        // the peer said close_notify
    failed,       // error() says why
  };

  TlsChannel(std::shared_ptr<const TlsContext> context, TlsRole role);
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  [[nodiscard]] Progress handshake();
  /// Bytes off the wire.
  void received(Bytes bytes);
  /// Appends the bytes for the wire made since the last call.
  void take_output(std::string& out);
  /// Appends what can be decrypted by now; `done` when it appended anything and may have more.
  [[nodiscard]] Progress read(std::string& plain);
  /// After the handshake only.
  [[nodiscard]] Progress write(Bytes plain);
  /// Says close_notify, unless the channel failed or never began.
  void close();
  /// "the other node's key is another one", "certificate: self-signed certificate".
  [[nodiscard]] const std::string& error() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// From the generator that keys come from.
std::uint64_t random_number();

}  // namespace tandem::peer
