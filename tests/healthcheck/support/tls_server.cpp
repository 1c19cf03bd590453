#include "tests/healthcheck/support/tls_server.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "base/check.hpp"
#include "base/text.hpp"

namespace tandem::healthcheck::testing {

namespace {

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  check(extension != nullptr, "the extension is well-formed");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "tandem-XXXXXX").string();
  check(mkdtemp(name.data()) != nullptr, "a folder can be made");
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void Folder::write(const std::string& name, const std::string& text) const { std::ofstream(path_ / name) << text; }

void Certificate::save(const std::string& cert_file, const std::string& key_file) const {
  std::FILE* file = std::fopen(cert_file.c_str(), "w");
  PEM_write_X509(file, certificate.get());
  std::fclose(file);
  if (!key_file.empty()) {
    file = std::fopen(key_file.c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }
}

Certificate make_certificate(const std::string& names, const Certificate* issuer) {
  static std::atomic<long> serial{1};
  Certificate made;
  made.key = {EVP_EC_gen("P-256"), EVP_PKEY_free};
  made.certificate = {X509_new(), X509_free};
  X509* certificate = made.certificate.get();
  X509_set_version(certificate, 2);
  const long number = serial++;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), number);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME* subject = X509_get_subject_name(certificate);
  const std::string name = concat("Test ", number);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  const Certificate& signer = issuer == nullptr ? made : *issuer;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer.certificate.get()));
  if (issuer == nullptr) {
    extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  }
  extend(certificate, signer.certificate.get(), NID_subject_alt_name, names);
  X509_sign(certificate, signer.key.get(), EVP_sha256());
  return made;
}

TlsServer::TlsServer(const Certificate& certificate, const Certificate& issuer, ClientCertificate wants,
                     std::string answer)
    : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free),
      answer_(std::move(answer)),
      server_([this](Peer& peer) { serve(peer); }) {
  SSL_CTX_use_certificate(context_.get(), certificate.certificate.get());
  SSL_CTX_use_PrivateKey(context_.get(), certificate.key.get());
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), issuer.certificate.get());
  if (wants == ClientCertificate::required) {
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
}

void TlsServer::serve(Peer& peer) {
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context_.get()), SSL_free);
  SSL_set_fd(ssl.get(), peer.fd());
  if (SSL_accept(ssl.get()) == 1) {
    const char* name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name);
    server_name.with([name](std::string& value) { value = name != nullptr ? name : ""; });
    std::string request;
    std::array<char, 4096> buffer{};
    while (request.find("\r\n\r\n") == std::string::npos) {
      const int count = SSL_read(ssl.get(), buffer.data(), static_cast<int>(buffer.size()));
      if (count <= 0) {
        break;
      }
      request.append(buffer.data(), static_cast<std::size_t>(count));
    }
    SSL_write(ssl.get(), answer_.data(), static_cast<int>(answer_.size()));
    const int count = SSL_read(ssl.get(), buffer.data(), static_cast<int>(buffer.size()));
    heard_close_notify = SSL_get_error(ssl.get(), count) == SSL_ERROR_ZERO_RETURN;
  }
  ending = peer.wait_end();
}

}  // namespace tandem::healthcheck::testing
