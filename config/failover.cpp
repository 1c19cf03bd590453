#include "config/failover.hpp"

namespace tandem::config {

Failover failover(const vrrp::Options& options) {
  using namespace std::chrono_literals;
  const Duration unit = options.version == vrrp::Version::v2 ? Duration{1s} : options.interval;
  Failover out;
  out.farewell = unit * (256 - static_cast<Duration::rep>(options.priority)) / 256;
  out.silence = 3 * options.interval + out.farewell;
  return out;
}

}  // namespace tandem::config
