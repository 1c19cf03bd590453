#include "lb/relay/proxy_protocol.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.hpp"

namespace {

using tandem::Bytes;
using tandem::check;
using namespace tandem::lb::relay;

bool is_unfinished(const std::variant<ProxyHeader, ProxyHeaderState>& parsed) {
  const auto* state = std::get_if<ProxyHeaderState>(&parsed);
  return state != nullptr && *state == ProxyHeaderState::unfinished;
}

}  // namespace

/// A header fed whole and byte by byte comes to the same answer, and a header that was read can be sent and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  const Bytes whole = std::as_bytes(std::span(input, size)).first(std::min<std::size_t>(size, 2 * kProxyHeaderMax));
  const auto at_once = parse_proxy_header(whole);

  std::size_t fed = 0;
  auto grown = parse_proxy_header(whole.first(0));
  while (is_unfinished(grown) && fed < whole.size()) {
    grown = parse_proxy_header(whole.first(++fed));
  }
  check(grown == at_once, "a header is the same however it comes");

  if (const auto* header = std::get_if<ProxyHeader>(&at_once)) {
    check(header->length == fed, "a header ends where it is complete");
    if (header->connection) {
      for (const auto version : {tandem::lb::SendProxyProtocol::v1, tandem::lb::SendProxyProtocol::v2}) {
        const EncodedProxyHeader encoded = encode_proxy_header(version, *header->connection);
        const auto again = parse_proxy_header(encoded.view());
        check(std::get<ProxyHeader>(again).connection == header->connection, "what was sent can be read");
      }
    }
  }
  return 0;
}
