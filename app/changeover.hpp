#pragma once

#include <set>
#include <vector>

#include "base/address.hpp"
#include "config/config.hpp"

namespace tandem::app {

// What is in force while one configuration gives way to the next. Pure.

/// `old`, untouched, and what only `next` has: while listeners change over, both find their pools, and going back to
/// `old` loses nothing.
[[nodiscard]] std::vector<config::Cluster> old_and_new_clusters(const config::Config& old, const config::Config& next);
/// A new pool may fall back to an old one, never the other way round: there is no circle that neither file has.
[[nodiscard]] std::vector<lb::PoolOptions> old_and_new_pools(const config::Config& old, const config::Config& next);
/// The addresses of all virtual routers.
[[nodiscard]] std::set<IpAddress> virtual_addresses(const config::Config& config);

}  // namespace tandem::app
