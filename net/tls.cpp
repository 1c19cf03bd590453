#include "net/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include "base/address.hpp"
#include "base/check.hpp"
#include "base/text.hpp"

namespace tandem::net {

namespace {

template <auto free>
struct Freed {
  template <class T>
  void operator()(T* thing) const noexcept {
    free(thing);
  }
};

/// The most telling line of OpenSSL's error queue, which is empty afterwards.
std::string last_error() {
  // The first is the cause ("no such file"), the last what came of it ("system lib").
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  if (code == 0) {
    return "unknown error";
  }
  if (ERR_SYSTEM_ERROR(code)) {
    return std::generic_category().message(ERR_GET_REASON(code));
  }
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : concat("error ", code);
}

/// Without this OpenSSL would ask the terminal for the passphrase of a locked key.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*purpose*/, void* /*context*/) { return 0; }

Error file_error(std::string_view key, std::string_view file) {
  return Error{concat(key, " \"", file, "\": ", last_error())};
}

}  // namespace

struct TlsClientContext::State {
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> context;
  TlsVerify verify = TlsVerify::yes;
};

TlsClientContext::TlsClientContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsClientContext::~TlsClientContext() = default;

Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::make(const TlsClientOptions& options) {
  ERR_clear_error();
  auto state = std::make_unique<State>();
  state->verify = options.verify;
  state->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = state->context.get();
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
    return Error{concat("TLS cannot start: ", last_error())};
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  SSL_CTX_set_verify(context, options.verify == TlsVerify::yes ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!options.ca_file.empty()) {
    if (SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1) {
      return file_error("ca_file", options.ca_file);
    }
  } else if (SSL_CTX_set_default_verify_paths(context) != 1) {
    return Error{concat("the system's certificate authorities cannot be read: ", last_error())};
  }
  if (!options.cert_file.empty()) {
    const std::string& key_file = options.key_file.empty() ? options.cert_file : options.key_file;
    if (SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1) {
      return file_error("cert_file", options.cert_file);
    }
    if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
      return file_error("key_file", key_file);
    }
    if (SSL_CTX_check_private_key(context) != 1) {
      return file_error("key_file", key_file);
    }
  }
  return std::shared_ptr<const TlsClientContext>(new TlsClientContext(std::move(state)));
}

struct TlsSession::State {
  std::unique_ptr<SSL, Freed<SSL_free>> ssl;
  BIO* input = nullptr;   // owned by ssl
  BIO* output = nullptr;  // owned by ssl
  TlsVerify verify = TlsVerify::yes;
  std::string error;

  Progress failed(std::string text) {
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
    const long chain = SSL_get_verify_result(ssl.get());
    if (verify == TlsVerify::yes && chain != X509_V_OK && SSL_is_init_finished(ssl.get()) == 0) {
      ERR_clear_error();
      return failed(concat("certificate: ", X509_verify_cert_error_string(chain)));
    }
    return failed(concat("TLS: ", last_error()));
  }
};

TlsSession::TlsSession(const TlsClientContext& context, const std::string& server_name)
    : state_(std::make_unique<State>()) {
  state_->verify = context.state_->verify;
  state_->ssl.reset(SSL_new(context.state_->context.get()));
  state_->input = BIO_new(BIO_s_mem());
  state_->output = BIO_new(BIO_s_mem());
  check(state_->ssl && state_->input != nullptr && state_->output != nullptr, "OpenSSL has memory for a session");
  SSL* ssl = state_->ssl.get();
  BIO_set_mem_eof_return(state_->input, -1);
  BIO_set_mem_eof_return(state_->output, -1);
  SSL_set_bio(ssl, state_->input, state_->output);
  SSL_set_connect_state(ssl);
  bool named = true;
  if (IpAddress::parse(server_name)) {
    named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), server_name.c_str()) == 1;
  } else {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    named = SSL_set1_host(ssl, server_name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, server_name.c_str()) == 1;
  }
  if (!named) {
    ERR_clear_error();
    state_->error = concat("TLS: \"", server_name, "\" is not a server name");
  }
}

TlsSession::~TlsSession() = default;

TlsSession::Progress TlsSession::handshake() {
  if (!state_->error.empty()) {
    return Progress::failed;
  }
  ERR_clear_error();
  return state_->after(SSL_do_handshake(state_->ssl.get()));
}

void TlsSession::received(Bytes bytes) {
  if (!bytes.empty()) {
    std::size_t written = 0;
    BIO_write_ex(state_->input, bytes.data(), bytes.size(), &written);
    check(written == bytes.size(), "a memory BIO takes everything");
  }
}

std::string TlsSession::take_output() {
  char* begin = nullptr;
  const long size = BIO_get_mem_data(state_->output, &begin);
  std::string bytes(begin, size > 0 ? static_cast<std::size_t>(size) : 0);
  (void)BIO_reset(state_->output);
  return bytes;
}

TlsSession::Progress TlsSession::read(std::string& plain, std::size_t limit) {
  if (!state_->error.empty()) {
    return Progress::failed;
  }
  ERR_clear_error();
  std::array<char, 4096> buffer;
  std::size_t total = 0;
  while (total < limit) {
    std::size_t count = 0;
    const int result = SSL_read_ex(state_->ssl.get(), buffer.data(), std::min(buffer.size(), limit - total), &count);
    if (result != 1) {
      const Progress progress = state_->after(result);
      return total > 0 && progress == Progress::wants_input ? Progress::done : progress;
    }
    plain.append(buffer.data(), count);
    total += count;
  }
  return Progress::done;
}

TlsSession::Progress TlsSession::write(Bytes plain) {
  if (plain.empty()) {
    return Progress::done;
  }
  ERR_clear_error();
  std::size_t count = 0;
  return state_->after(SSL_write_ex(state_->ssl.get(), plain.data(), plain.size(), &count));
}

void TlsSession::close() {
  if (state_->error.empty() && SSL_is_init_finished(state_->ssl.get()) != 0) {
    ERR_clear_error();
    (void)SSL_shutdown(state_->ssl.get());
    ERR_clear_error();
  }
}

const std::string& TlsSession::error() const { return state_->error; }

}  // namespace tandem::net
