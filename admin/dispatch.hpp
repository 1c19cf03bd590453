#pragma once

#include <functional>
#include <string>

#include "admin/control.hpp"
#include "admin/router.hpp"
#include "metrics/collection.hpp"

namespace tandem::admin {

/// Carries a call out (any but live_events) and calls `done` once, at once or, for a reload, later. `who` stands behind
/// a command; `add_own` puts what the server itself counts into a scrape.
void dispatch(const Call& call, const std::string& who, Control& control,
              const std::function<void(metrics::Collection&)>& add_own, std::function<void(Reply)> done);

}  // namespace tandem::admin
