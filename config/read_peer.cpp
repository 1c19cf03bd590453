#include <string>

#include "base/text.hpp"
#include "config/draft.hpp"
#include "config/section.hpp"

namespace tandem::config {

namespace {

/// A key that both share, or certificates.
void read_proof(Section& section, peer::Options& options) {
  peer::Certificates certificates;
  section.read("key_file", options.key_file);
  section.read("cert_file", certificates.cert_file);
  section.read("cert_key_file", certificates.cert_key_file);
  section.read("ca_file", certificates.ca_file);
  const bool any = section.has("cert_file") || section.has("cert_key_file") || section.has("ca_file");
  if (!any) {
    if (!section.has("key_file")) {
      section.error("key_file", "key_file is missing, or cert_file, cert_key_file and ca_file");
    }
    return;
  }
  if (section.has("key_file")) {
    section.error("key_file", "key_file and certificates exclude each other");
  }
  for (const std::string_view key : {"cert_file", "cert_key_file", "ca_file"}) {
    if (!section.has(key)) {
      section.error(key, concat(key, " is missing: cert_file, cert_key_file and ca_file go together"));
    }
  }
  options.certificates = std::move(certificates);
}

}  // namespace

Item<peer::Options> read_peer(const Node& table, Place place, Problems& problems) {
  Section section(table, place, schema::peer(), "[peer]", "[peer]", problems);
  Item<peer::Options> peer{{}, place, &table};
  section.read("address", peer.options.address);
  section.read("listen", peer.options.listen);
  read_proof(section, peer.options);
  if (peer.options.address.port != 0 && peer.options.address.address.is_unspecified()) {
    section.error("address", "address is the other node's, and this is nobody's");
  } else if (peer.options.address.port != 0 && peer.options.address == peer.options.listen) {
    section.error("address", "address and listen are the same, so the node would talk to itself");
  }
  return peer;
}

}  // namespace tandem::config
