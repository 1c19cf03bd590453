#pragma once

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/guarded.hpp"
#include "tests/healthcheck/support/fake_server.hpp"

namespace tandem::healthcheck::testing {

/// A folder of its own, gone with this.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string path(const std::string& name) const { return (path_ / name).string(); }
  void write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
};

struct Certificate {
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<X509> certificate;

  void save(const std::string& cert_file, const std::string& key_file) const;
};

/// A new certificate for `names` ("DNS:a.example,IP:127.0.0.1"), signed by `issuer`; without one by itself, as an
/// authority.
Certificate make_certificate(const std::string& names, const Certificate* issuer);

/// A server that speaks TLS and then HTTP.
class TlsServer {
 public:
  enum class ClientCertificate { none, required };

  /// Answers every request with `answer`; clients' certificates must come from `issuer` where required.
  TlsServer(const Certificate& certificate, const Certificate& issuer, ClientCertificate wants, std::string answer);

  [[nodiscard]] Endpoint endpoint() const { return server_.endpoint(); }

  /// Of the last connection.
  std::atomic<Ending> ending{Ending::still_there};
  std::atomic<bool> heard_close_notify{false};
  Guarded<std::string> server_name;

 private:
  void serve(Peer& peer);

  std::shared_ptr<SSL_CTX> context_;
  std::string answer_;
  FakeServer server_;
};

}  // namespace tandem::healthcheck::testing
