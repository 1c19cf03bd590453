#pragma once

#include <optional>
#include <string>

#include "base/address.hpp"

namespace tandem::peer {

/// Certificates of both ends, PEM files; each end's must be signed by the authority.
struct Certificates {
  std::string cert_file;
  std::string cert_key_file;
  std::string ca_file;

  friend bool operator==(const Certificates&, const Certificates&) = default;
};

/// `[peer]`: the link to the other node. Either a key that both share or certificates.
struct Options {
  Endpoint address;      // the other node's
  Endpoint listen;       // ours
  std::string key_file;  // TLS 1.3 pre-shared key: 32 to 64 bytes in hex, or 32 bytes and more of anything else
  std::optional<Certificates> certificates;

  friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace tandem::peer
