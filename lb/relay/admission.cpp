#include "lb/relay/admission.hpp"

#include <algorithm>

namespace tandem::lb::relay {

namespace {

bool any_contains(const std::vector<Prefix>& prefixes, const IpAddress& address) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const Prefix& prefix) { return prefix.contains(address); });
}

}  // namespace

bool admits(const ListenerOptions& options, const IpAddress& client) {
  return !any_contains(options.deny, client) && (options.allow.empty() || any_contains(options.allow, client));
}

bool may_send_proxy_header(const ListenerOptions& options, const IpAddress& peer) {
  return options.proxy_protocol_from.empty() || any_contains(options.proxy_protocol_from, peer);
}

std::optional<Rejection> judge_peer(const ListenerOptions& options, const IpAddress& peer) {
  if (options.accept_proxy_protocol) {
    return may_send_proxy_header(options, peer) ? std::nullopt : std::optional(Rejection::proxy_header);
  }
  return admits(options, peer) ? std::nullopt : std::optional(Rejection::denied);
}

}  // namespace tandem::lb::relay
