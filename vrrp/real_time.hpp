#pragma once

#include "base/result.hpp"

namespace tandem::vrrp {

/// Makes the calling thread one that nobody keeps waiting, as far as this process is allowed to: real-time priority,
/// timers without slack, the memory of the process locked. Names it "vrrp" and lets it keep its capabilities when the
/// process becomes another user. Never fails.
void enter_real_time();

/// Raises CAP_NET_ADMIN and CAP_NET_RAW on the calling thread after the process has become another user, and drops
/// all others. The error says what is missing.
Result<> keep_network_capabilities();

}  // namespace tandem::vrrp
