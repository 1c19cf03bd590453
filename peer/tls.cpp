#include "peer/tls.hpp"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/check.hpp"
#include "base/text.hpp"
#include "peer/key_file.hpp"

namespace tandem::peer {

namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::string_view kIdentity = "tandem-peer";
constexpr std::string_view kPurpose = "tandem peer link 1";
constexpr std::array<unsigned char, 2> kAes128GcmSha256 = {0x13, 0x01};

template <auto free>
struct Freed {
  template <class T>
  void operator()(T* thing) const noexcept {
    free(thing);
  }
};

std::string text_of(unsigned long code) {
  if (code == 0) {
    return "unknown error";
  }
  if (ERR_SYSTEM_ERROR(code)) {
    return std::generic_category().message(ERR_GET_REASON(code));
  }
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : concat("error ", code);
}

/// The first of OpenSSL's error queue, which is the cause ("no such file"), the last being what came of it ("system
/// lib"); the queue is empty afterwards.
unsigned long take_error() {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  return code;
}

/// Without this OpenSSL would ask the terminal for the passphrase of a locked key.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*purpose*/, void* /*context*/) { return 0; }

Error file_error(std::string_view key, std::string_view file) {
  return Error{concat(key, " \"", file, "\": ", text_of(take_error()))};
}

}  // namespace

struct TlsContext::State {
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> context;
  std::array<unsigned char, kKeyBytes> key{};
  bool by_key = false;

  ~State() { OPENSSL_cleanse(key.data(), key.size()); }

  /// The key as OpenSSL wants it, a session to go on with; null when it has no memory. The caller owns it.
  [[nodiscard]] SSL_SESSION* session(SSL* ssl) const {
    const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, kAes128GcmSha256.data());
    std::unique_ptr<SSL_SESSION, Freed<SSL_SESSION_free>> made(SSL_SESSION_new());
    if (!made || cipher == nullptr || SSL_SESSION_set1_master_key(made.get(), key.data(), key.size()) != 1 ||
        SSL_SESSION_set_cipher(made.get(), cipher) != 1 ||
        SSL_SESSION_set_protocol_version(made.get(), TLS1_3_VERSION) != 1 ||
        SSL_SESSION_set1_id_context(made.get(), reinterpret_cast<const unsigned char*>(kIdentity.data()),
                                    kIdentity.size()) != 1) {
      return nullptr;
    }
    return made.release();
  }

  static const State& of(SSL* ssl) { return *static_cast<const State*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0)); }

  static int use_key(SSL* ssl, const EVP_MD* digest, const unsigned char** id, std::size_t* id_size,
                     SSL_SESSION** session) {
    *session = nullptr;
    *id = nullptr;
    *id_size = 0;
    if (digest != nullptr && EVP_MD_is_a(digest, "SHA256") != 1) {
      return 1;  // after a retry the digest is fixed, and this key's is another one
    }
    *session = of(ssl).session(ssl);
    *id = reinterpret_cast<const unsigned char*>(kIdentity.data());
    *id_size = kIdentity.size();
    return *session != nullptr ? 1 : 0;
  }

  static int find_key(SSL* ssl, const unsigned char* id, std::size_t id_size, SSL_SESSION** session) {
    *session = nullptr;
    if (std::string_view(reinterpret_cast<const char*>(id), id_size) == kIdentity) {
      *session = of(ssl).session(ssl);
      return *session != nullptr ? 1 : 0;
    }
    return 1;
  }

  /// What both kinds have in common.
  Result<> start() {
    ERR_clear_error();
    context.reset(SSL_CTX_new(TLS_method()));
    SSL_CTX* raw = context.get();
    if (raw == nullptr || SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION) != 1 || SSL_CTX_set_num_tickets(raw, 0) != 1 ||
        SSL_CTX_set_max_early_data(raw, 0) != 1 || SSL_CTX_set_ex_data(raw, 0, this) != 1 ||
        SSL_CTX_set_session_id_context(raw, reinterpret_cast<const unsigned char*>(kIdentity.data()),
                                       kIdentity.size()) != 1) {
      return Error{concat("TLS 1.3 cannot start: ", text_of(take_error()))};
    }
    SSL_CTX_set_options(raw, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_default_passwd_cb(raw, no_passphrase);
    // with a key there are no authorities, so no certificate ever passes in its place
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return {};
  }
};

TlsContext::TlsContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsContext::~TlsContext() = default;

Result<std::shared_ptr<const TlsContext>> TlsContext::from_key(std::string_view secret) {
  auto state = std::make_unique<State>();
  if (const auto started = state->start(); !started) {
    return started.error();
  }
  // the suites whose digest is the key's
  if (SSL_CTX_set_ciphersuites(state->context.get(), "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256") != 1) {
    return Error{concat("TLS 1.3 cannot start: ", text_of(take_error()))};
  }
  // a key for this purpose only: the same file may serve for another, and secrets of any length come out as one
  unsigned int size = 0;
  const unsigned char* made =
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(kPurpose.data()), kPurpose.size(), state->key.data(), &size);
  check(made != nullptr && size == kKeyBytes, "HMAC-SHA256 gives 32 bytes");
  state->by_key = true;
  SSL_CTX_set_psk_use_session_callback(state->context.get(), &State::use_key);
  SSL_CTX_set_psk_find_session_callback(state->context.get(), &State::find_key);
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(state)));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::from_certificates(const Certificates& files) {
  if (auto safe = check_secret_file("cert_key_file", files.cert_key_file); !safe) {
    return safe.error();
  }
  auto state = std::make_unique<State>();
  if (const auto started = state->start(); !started) {
    return started.error();
  }
  SSL_CTX* context = state->context.get();
  if (SSL_CTX_use_certificate_chain_file(context, files.cert_file.c_str()) != 1) {
    return file_error("cert_file", files.cert_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.cert_key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return file_error("cert_key_file", files.cert_key_file);
  }
  if (SSL_CTX_load_verify_file(context, files.ca_file.c_str()) != 1) {
    return file_error("ca_file", files.ca_file);
  }
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(state)));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::from_options(const Options& options) {
  if (options.certificates) {
    return from_certificates(*options.certificates);
  }
  auto secret = read_key_file(options.key_file);
  if (!secret) {
    return secret.error();
  }
  auto context = from_key(*secret);
  OPENSSL_cleanse(secret->data(), secret->size());
  return context;
}

struct TlsChannel::State {
  std::shared_ptr<const TlsContext> context;
  std::unique_ptr<SSL, Freed<SSL_free>> ssl;
  BIO* input = nullptr;   // owned by ssl
  BIO* output = nullptr;  // owned by ssl
  std::string error;

  Progress failed(std::string text) {
    ERR_clear_error();
    error = std::move(text);
    return Progress::failed;
  }

  /// What an SSL_* call that returned `result` means.
  Progress after(int result) {
    switch (SSL_get_error(ssl.get(), result)) {
      case SSL_ERROR_NONE: return Progress::done;
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE: return Progress::wants_input;
      case SSL_ERROR_ZERO_RETURN: return Progress::ended;
      default: break;
    }
    return failed(why(take_error()));
  }

  /// In words for people, where the failure is one of proving who one is.
  [[nodiscard]] std::string why(unsigned long code) const {
    const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    if (by_key()) {
      switch (reason) {
        case SSL_R_BINDER_DOES_NOT_VERIFY: return "its key is another one than ours";
        case SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER:
        case SSL_R_TLSV1_ALERT_DECRYPT_ERROR: return "it refuses our key: the two key files differ";
        case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_CERTIFICATE_VERIFY_FAILED: return "it shows no key, but perhaps a certificate";
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE: return "it knows no key: is it set to certificates?";
        default: break;
      }
    } else {
      const long chain = SSL_get_verify_result(ssl.get());
      if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && chain != X509_V_OK) {
        return concat("certificate: ", X509_verify_cert_error_string(chain));
      }
      switch (reason) {
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
          return concat("it refuses our certificate: ", text_of(code), "; other authorities, or is it set to a key?");
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE: return "it has no certificate: is it set to a key?";
        default: break;
      }
    }
    return concat("TLS: ", text_of(code));
  }

  [[nodiscard]] bool by_key() const { return TlsContext::State::of(ssl.get()).by_key; }
};

TlsChannel::TlsChannel(std::shared_ptr<const TlsContext> context, TlsRole role) : state_(std::make_unique<State>()) {
  state_->context = std::move(context);
  state_->ssl.reset(SSL_new(state_->context->state_->context.get()));
  state_->input = BIO_new(BIO_s_mem());
  state_->output = BIO_new(BIO_s_mem());
  check(state_->ssl && state_->input != nullptr && state_->output != nullptr, "OpenSSL has memory for a connection");
  BIO_set_mem_eof_return(state_->input, -1);
  BIO_set_mem_eof_return(state_->output, -1);
  SSL_set_bio(state_->ssl.get(), state_->input, state_->output);
  if (role == TlsRole::client) {
    SSL_set_connect_state(state_->ssl.get());
  } else {
    SSL_set_accept_state(state_->ssl.get());
  }
}

TlsChannel::~TlsChannel() = default;

TlsChannel::Progress TlsChannel::handshake() {
  if (!state_->error.empty()) {
    return Progress::failed;
  }
  ERR_clear_error();
  const Progress progress = state_->after(SSL_do_handshake(state_->ssl.get()));
  if (progress == Progress::done && state_->by_key() && SSL_session_reused(state_->ssl.get()) != 1) {
    return state_->failed("it did not prove that it has the key");
  }
  return progress;
}

void TlsChannel::received(Bytes bytes) {
  if (!bytes.empty()) {
    std::size_t written = 0;
    BIO_write_ex(state_->input, bytes.data(), bytes.size(), &written);
    check(written == bytes.size(), "a memory BIO takes everything");
  }
}

void TlsChannel::take_output(std::string& out) {
  char* begin = nullptr;
  const long size = BIO_get_mem_data(state_->output, &begin);
  if (size > 0) {
    out.append(begin, static_cast<std::size_t>(size));
    (void)BIO_reset(state_->output);
  }
}

TlsChannel::Progress TlsChannel::read(std::string& plain) {
  if (!state_->error.empty()) {
    return Progress::failed;
  }
  ERR_clear_error();
  std::array<char, 16 * 1024> buffer;
  std::size_t count = 0;
  const int result = SSL_read_ex(state_->ssl.get(), buffer.data(), buffer.size(), &count);
  if (result != 1) {
    return state_->after(result);
  }
  plain.append(buffer.data(), count);
  return Progress::done;
}

TlsChannel::Progress TlsChannel::write(Bytes plain) {
  if (plain.empty()) {
    return Progress::done;
  }
  if (!state_->error.empty()) {
    return Progress::failed;
  }
  ERR_clear_error();
  std::size_t count = 0;
  return state_->after(SSL_write_ex(state_->ssl.get(), plain.data(), plain.size(), &count));
}

void TlsChannel::close() {
  if (state_->error.empty() && SSL_is_init_finished(state_->ssl.get()) != 0) {
    ERR_clear_error();
    (void)SSL_shutdown(state_->ssl.get());
    ERR_clear_error();
  }
}

const std::string& TlsChannel::error() const { return state_->error; }

std::uint64_t random_number() {
  std::uint64_t number = 0;
  check(RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number) == 1, "OpenSSL has random numbers");
  return number;
}

}  // namespace tandem::peer
