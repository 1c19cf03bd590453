#pragma once

#include <vector>

#include "base/log.hpp"
#include "base/time.hpp"
#include "lb/outcome.hpp"
#include "lb/relay/session.hpp"

namespace tandem::lb::relay {

/// The fields of the line that is logged for a session that ends now: event `session`.
[[nodiscard]] std::vector<LogField> session_fields(const Session& session, Cause cause, Instant now);

}  // namespace tandem::lb::relay
