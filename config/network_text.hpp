#pragma once

#include <string_view>

#include "base/result.hpp"
#include "config/document.hpp"
#include "vrrp/options.hpp"

namespace tandem::config {

/// "192.0.2.100/24"; without a length the address alone. The error is for people and keeps variables' content to
/// itself.
Result<vrrp::VirtualAddress> parse_virtual_address(const Node& value);

/// An IP address of a single host that is not this one's loopback.
Result<IpAddress> parse_host(const Node& value);

/// "192.0.2.1", "192.0.2.1:443", "arp:192.0.2.1".
Result<vrrp::Witness> parse_witness(const Node& value);

bool is_link_local(const IpAddress& address);

/// The first `length` bits are the same.
bool in_one_network(const IpAddress& one, const IpAddress& other, unsigned length);

/// "192.0.2.100/24"
std::string to_string(const vrrp::VirtualAddress& address);

}  // namespace tandem::config
