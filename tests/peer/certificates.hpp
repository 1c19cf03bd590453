#pragma once

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <string>

#include "tests/peer/support.hpp"

namespace tandem::peer {

template <auto free>
struct FreedBy {
  template <class T>
  void operator()(T* thing) const noexcept {
    free(thing);
  }
};
using Key = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreedBy<X509_free>>;

/// Made in the test, good for an hour.
class Authority {
 public:
  Authority(const Folder& folder, const std::string& name)
      : folder_(folder), name_(name), key_(make_key()), certificate_(make(name, *key_, nullptr, *key_)) {
    write(name + ".pem", *certificate_);
  }

  [[nodiscard]] std::string file() const { return folder_.path(name_ + ".pem"); }
  /// Files of a node with a certificate by this authority.
  [[nodiscard]] Certificates issue(const std::string& node) const {
    const Key key = make_key();
    write(node + ".pem", *make(node, *key, certificate_.get(), *key_));
    const std::string key_file = folder_.write(node + ".key.pem", "");
    FILE* file = std::fopen(key_file.c_str(), "w");
    REQUIRE(PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
    std::fclose(file);
    return {folder_.path(node + ".pem"), key_file, this->file()};
  }

 private:
  static Key make_key() { return Key(EVP_EC_gen("P-256")); }

  static Certificate make(const std::string& name, EVP_PKEY& key, X509* issuer, EVP_PKEY& issuer_key) {
    static long serial = 0;
    Certificate made(X509_new());
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    X509_set_pubkey(made.get(), &key);
    X509_NAME* subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(made.get(), issuer == nullptr ? subject : X509_get_subject_name(issuer));
    if (issuer == nullptr) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
      X509_add_ext(made.get(), extension, -1);
      X509_EXTENSION_free(extension);
    }
    REQUIRE(X509_sign(made.get(), &issuer_key, EVP_sha256()) > 0);
    return made;
  }
  void write(const std::string& name, X509& certificate) const {
    FILE* file = std::fopen(folder_.path(name).c_str(), "w");
    REQUIRE(file != nullptr);
    REQUIRE(PEM_write_X509(file, &certificate) == 1);
    std::fclose(file);
  }

  const Folder& folder_;
  std::string name_;
  Key key_;
  Certificate certificate_;
};

}  // namespace tandem::peer
