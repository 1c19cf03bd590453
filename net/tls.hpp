#pragma once

#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace tandem::net {

enum class TlsVerify { yes, no };

/// What all TLS connections of one client share. PEM files.
struct TlsClientOptions {
  TlsVerify verify = TlsVerify::yes;  // the chain, and the name or address
  std::string ca_file;                // empty: the system's
  std::string cert_file;              // client certificate with its chain; empty: none
  std::string key_file;
};

/// An OpenSSL client context: TLS 1.2 or newer, no session cache. Never changes; any thread.
class TlsClientContext {
 public:
  /// Reads the files. The error names the file and says what is wrong with it.
  static Result<std::shared_ptr<const TlsClientContext>> make(const TlsClientOptions& options);

  ~TlsClientContext();
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;

 private:
  friend class TlsSession;
  struct State;
  explicit TlsClientContext(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

/// The client's side of one TLS connection. Does no I/O: the caller feeds what the socket received and sends what
/// take_output() gives, after every step.
class TlsSession {
 public:
  enum class Progress {
    done,
    wants_input,  // feed received() and call again
    ended,        // the peer said close_notify
    failed,       // error() says why
  };

  /// `server_name` is a DNS name (sent as SNI) or an IP address; the certificate must be for it.
  TlsSession(const TlsClientContext& context, const std::string& server_name);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  [[nodiscard]] Progress handshake();
  /// Bytes off the wire.
  void received(Bytes bytes);
  /// Bytes for the wire, made since the last call.
  [[nodiscard]] std::string take_output();
  /// Appends what can be decrypted by now, at most `limit` bytes; `done` when it appended anything.
  [[nodiscard]] Progress read(std::string& plain, std::size_t limit);
  /// After the handshake only.
  [[nodiscard]] Progress write(Bytes plain);
  /// Says close_notify, unless the session failed or never began.
  void close();
  /// "certificate: self-signed certificate", "TLS: wrong version number".
  [[nodiscard]] const std::string& error() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tandem::net
