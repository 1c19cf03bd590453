#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "app/pair.hpp"
#include "app/pair_view.hpp"

// What others see of the pair.
namespace tandem::app {

std::vector<admin::VrrpView> Pair::routers(WallTime now) const {
  std::vector<admin::VrrpView> out;
  const Instant now_steady = std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
  std::vector<vrrp::InstanceStatus> routers = status();
  for (std::size_t index = 0; index < std::min(instances_.size(), routers.size()); ++index) {
    routers[index].heard_nobody = routers[index].heard_nobody && !link_up_;
    routers[index].contested = routers[index].contested || contested_.contains(instances_[index].name);
    out.push_back(view_router(instances_[index], routers[index], now_steady, now));
  }
  return out;
}

std::optional<admin::PeerView> Pair::peer() const {
  if (!link_options_) {
    return std::nullopt;
  }
  const std::shared_ptr<peer::Link> link = this->link();
  return link ? std::optional(view_link(*link_options_, link->status())) : std::nullopt;
}

void Pair::collect(metrics::Collection& out) const {
  std::vector<vrrp::InstanceStatus> routers = status();
  for (std::size_t index = 0; index < std::min(instances_.size(), routers.size()); ++index) {
    routers[index].contested = routers[index].contested || contested_.contains(instances_[index].name);
    if (const auto more = contests_.find(instances_[index].name); more != contests_.end()) {
      routers[index].contests += more->second;
    }
    collect_router(out, instances_[index].name, routers[index]);
  }
  if (node_) {
    collect_node(out, *node_, events_.overflows());
  }
  if (const std::shared_ptr<peer::Link> link = this->link()) {
    collect_link(out, link->status());
  }
}

}  // namespace tandem::app
