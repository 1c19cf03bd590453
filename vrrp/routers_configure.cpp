#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "vrrp/routers.hpp"

namespace tandem::vrrp {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// Whether `after` cannot be taken over by a router that runs with `before`.
bool needs_new_start(Options before, const Options& after) {
  before.priority = after.priority;
  before.preempt = after.preempt;
  before.preempt_delay = after.preempt_delay;
  before.startup_delay = after.startup_delay;
  before.checksum = after.checksum;
  before.authentication = after.authentication;
  before.sync_group = after.sync_group;
  before.track_interfaces = after.track_interfaces;
  before.track_clusters = after.track_clusters;
  before.witnesses = after.witnesses;
  before.notify = after.notify;
  return before != after;
}

IpAddress::Family family(const Options& options) {
  const bool v4 = options.addresses.empty() || options.addresses.front().address.is_v4();
  return v4 ? IpAddress::Family::v4 : IpAddress::Family::v6;
}

/// The same virtual router: two of them cannot be open at a time.
bool share_the_kernel(const Options& left, const Options& right) {
  return left.interface == right.interface && left.id == right.id && family(left) == family(right);
}

}  // namespace

std::size_t Routers::find(const std::string& name) const {
  const auto found =
      std::ranges::find_if(routers_, [&](const auto& router) { return router && router->options().name == name; });
  return found == routers_.end() ? kNone : static_cast<std::size_t>(found - routers_.begin());
}

/// A running router in whose place `options` come.
std::size_t Routers::find_rival(const Options& options) const {
  const auto found = std::ranges::find_if(
      routers_, [&](const auto& router) { return router && share_the_kernel(router->options(), options); });
  return found == routers_.end() ? kNone : static_cast<std::size_t>(found - routers_.begin());
}

Result<> Routers::configure(const std::vector<Options>& options, Moment moment) {
  if (platform_.interfaces().refresh()) {
    for (const auto& router : routers_) {
      router->on_interfaces(moment);
    }
    settle_all(moment);
  }
  List next(options.size());
  if (Result<> opened = open_new(options, next); !opened) {
    return opened;
  }
  if (Result<> replaced = replace(options, next, moment); !replaced) {
    form_groups();
    assess(moment);
    bequeath(moment);
    return replaced;
  }
  take_over(options, next, moment);
  form_groups();
  assess(moment);
  align(moment);
  bequeath(moment);
  return {};
}

/// Those that are in nobody's place. Nothing that runs is touched.
Result<> Routers::open_new(const std::vector<Options>& options, List& next) {
  for (std::size_t place = 0; place < options.size(); ++place) {
    const std::size_t same = find(options[place].name);
    const bool stays = same != kNone && !needs_new_start(routers_[same]->options(), options[place]);
    if (stays || find_rival(options[place]) != kNone) {
      continue;
    }
    auto router = make(options[place], place);
    if (Result<> opened = router->open(); !opened) {
      return opened;
    }
    next[place] = std::move(router);
  }
  return {};
}

/// Those that come in the place of a running one, which is closed first. When one cannot be opened, who was closed is
/// opened again and starts anew.
Result<> Routers::replace(const std::vector<Options>& options, List& next, Moment moment) {
  std::vector<std::pair<std::size_t, Options>> closed;  // old place, what it was
  Result<> opened;
  for (std::size_t place = 0; place < options.size() && opened; ++place) {
    const std::size_t same = find(options[place].name);
    const bool stays = same != kNone && !needs_new_start(routers_[same]->options(), options[place]);
    if (next[place] || stays) {
      continue;
    }
    if (const std::size_t rival = find_rival(options[place]); rival != kNone) {
      closed.emplace_back(rival, routers_[rival]->options());
      routers_[rival]->stop(Cause::reload, moment);
      routers_[rival] = nullptr;
    }
    next[place] = make(options[place], place);
    opened = next[place]->open();
  }
  if (opened) {
    return opened;
  }
  next.clear();
  for (const auto& [place, before] : closed) {
    routers_[place] = make(before, place);
    static_cast<void>(routers_[place]->open());  // a failure is tried again when the interfaces change
  }
  return opened;
}

std::unique_ptr<Router> Routers::make(const Options& options, std::size_t place) {
  return std::make_unique<Router>(options, InstanceIndex{static_cast<std::uint16_t>(place)}, platform_, hooks_);
}

/// From here on nothing fails: the others move over, whoever is left in the old list leaves.
void Routers::take_over(const std::vector<Options>& options, List& next, Moment moment) {
  for (std::size_t place = 0; place < options.size(); ++place) {
    if (next[place]) {
      continue;
    }
    const std::size_t same = find(options[place].name);
    next[place] = std::move(routers_[same]);
    next[place]->adopt(options[place], InstanceIndex{static_cast<std::uint16_t>(place)});
  }
  for (const auto& router : routers_) {
    if (router) {
      router->stop(Cause::reload, moment);
    }
  }
  routers_ = std::move(next);
  if (shutting_down_) {
    std::ranges::for_each(routers_, [](const auto& router) { router->shut_down(); });
  }
  will_changed_ = true;
}

void Routers::form_groups() {
  siblings_.assign(routers_.size(), {});
  patience_.assign(routers_.size(), Patience::usual);
  standings_.assign(routers_.size(), {});
  const auto rank = [&](std::size_t place) {
    const Options& options = routers_[place]->options();
    return std::tuple(options.id, family(options), options.name);
  };
  for (std::size_t place = 0; place < routers_.size(); ++place) {
    const std::string& group = routers_[place]->options().sync_group;
    bool leads = true;  // the same one on both nodes
    for (std::size_t other = 0; other < routers_.size(); ++other) {
      if (other == place || group.empty() || routers_[other]->options().sync_group != group) {
        continue;
      }
      siblings_[place].push_back(other);
      leads = leads && rank(place) < rank(other);
    }
    patience_[place] = leads ? Patience::extended : Patience::usual;
  }
}

}  // namespace tandem::vrrp
