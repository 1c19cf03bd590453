#include "app/pair.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <set>
#include <utility>

#include "app/pair_view.hpp"
#include "app/version.hpp"
#include "base/text.hpp"

namespace tandem::app {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kEventsMax = 4096;
constexpr std::size_t kViewsMax = 1024;
constexpr Duration kTick = 100ms;
constexpr Duration kWorkerPatience = 1s;  // workers turn every 200 ms at the least
constexpr Duration kStarved = 300ms;  // this thread turns every 100 ms; when it is late too, the machine is to blame
constexpr Duration kStarvedPatience = 3s;
constexpr Duration kControlPatience = 5s;  // verdicts wait while this thread stands still
constexpr Duration kVerdictPatience = 5s;  // at the start; after that the node serves with what it knows
constexpr Duration kShutdownPatience = 3s;
constexpr Duration kWholeViewEvery = 1s;

Instant now_instant() { return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now()); }

peer::Router to_peer(const vrrp::RouterKey& router) {
  return peer::Router{router.family, static_cast<std::uint8_t>(router.id)};
}

vrrp::RouterKey to_vrrp(const peer::Router& router) {
  return vrrp::RouterKey{router.family, vrrp::VirtualRouterId{router.id}};
}

peer::Router key_of(const vrrp::Options& instance) {
  return peer::Router{instance.addresses.empty() ? IpAddress::Family::v4 : instance.addresses.front().address.family(),
                      static_cast<std::uint8_t>(instance.id)};
}

std::vector<IpAddress> addresses_of(const vrrp::Options& instance) {
  std::vector<IpAddress> out;
  for (const vrrp::VirtualAddress& address : instance.addresses) {
    out.push_back(address.address);
  }
  return out;
}

}  // namespace

Pair::Pair(boost::asio::io_context& context, Controller& controller, const lb::ForwardPlane& plane, Lifeline& lifeline,
           std::string node_name, const Log& log)
    : context_(context),
      controller_(controller),
      plane_(plane),
      lifeline_(lifeline),
      node_name_(std::move(node_name)),
      log_(log),
      notify_(context, log),
      view_(controller),
      tick_timer_(context),
      shutdown_timer_(context),
      started_(now_instant()),
      control_beat_(started_.time_since_epoch().count()),
      events_(context, kEventsMax, [this](const std::vector<vrrp::Event>& events) { on_events(events); }),
      views_(context, kViewsMax, [this](const std::vector<peer::View>& views) {
        const auto link = this->link();
        const std::string peer = link ? link->status().peer_node : "";
        for (const peer::View& view : views) {
          view_.on_view(view, peer, now_instant());
        }
      }) {
  controller_.call_on_change([this] { on_pools_changed(); });
}

Pair::~Pair() { close(); }

void Pair::close() {
  controller_.call_on_change({});
  reachable_node_.with([](vrrp::Node*& node) { node = nullptr; });
  node_.reset();
  lifeline_.expect_beats(Duration::zero());  // nobody beats any more, and no address is held
  std::shared_ptr<peer::Link> link = link_.with([](auto& held) { return std::exchange(held, nullptr); });
  link.reset();
}

vrrp::NodeHooks Pair::node_hooks() {
  vrrp::NodeHooks hooks;
  hooks.service = [this](Instant now) { return service(now); };
  hooks.on_event = [this](const vrrp::Event& event) { events_.send(event); };
  hooks.on_leaving = [this](const vrrp::RouterKey& router) {
    link_.with([&](const auto& link) {
      if (link) {
        link->say_leaving(to_peer(router));
      }
    });
  };
  hooks.on_active = [this](const vrrp::RouterKey& router) {
    link_.with([&](const auto& link) {
      if (link) {
        link->say_active(to_peer(router));
      }
    });
  };
  hooks.deposit = [this](const vrrp::Will& will) { lifeline_.deposit(will); };
  hooks.beat = [this](Instant now) { lifeline_.beat(now); };
  return hooks;
}

peer::LinkHooks Pair::link_hooks() {
  peer::LinkHooks hooks;
  hooks.on_leaving = [this](const peer::Router& router) {
    reachable_node_.with([&](vrrp::Node* node) {
      if (node != nullptr) {
        node->on_peer_leaving(to_vrrp(router));
      }
    });
    boost::asio::post(context_, [this, router] { claims_.on_leaving(router); });
  };
  hooks.on_active = [this](const peer::Router& router) {
    reachable_node_.with([&](vrrp::Node* node) {
      if (node != nullptr) {
        node->on_peer_active(to_vrrp(router));
      }
    });
    boost::asio::post(context_, [this, router] { claims_.on_active(router, now_instant()); });
  };
  hooks.on_up = [this] { boost::asio::post(context_, [this] { on_link_up(); }); };
  hooks.on_lost = [this] {
    reachable_node_.with([&](vrrp::Node* node) {
      if (node != nullptr) {
        node->on_link_lost();
      }
    });
    boost::asio::post(context_, [this] { on_link_down(); });
  };
  hooks.on_goodbye = [this] { boost::asio::post(context_, [this] { on_link_down(); }); };
  hooks.on_view = [this](peer::View view) { views_.send(std::move(view)); };
  hooks.full_view = [this] { return whole_view_.with([](const peer::View& view) { return view; }); };
  return hooks;
}

/// On the vrrp thread: whether this process could serve what comes to the addresses.
vrrp::ServiceState Pair::service(Instant now) const {
  // relaxed, here and below: recent values, nothing hangs on their order
  if (const auto inability = readiness_.load(std::memory_order_relaxed); inability != vrrp::Inability::none) {
    return {inability, 0};
  }
  const Duration silence = now - Instant{Duration{control_beat_.load(std::memory_order_relaxed)}};
  if (silence > kControlPatience) {
    return {vrrp::Inability::control_stuck, 0};
  }
  const Duration patience = silence > kStarved ? kStarvedPatience : kWorkerPatience;
  for (std::size_t worker = 0; worker < plane_.worker_stats().size(); ++worker) {
    if (now - plane_.heartbeat(worker) > patience) {
      return {vrrp::Inability::worker_stuck, static_cast<std::uint32_t>(worker)};
    }
  }
  return {};
}

Result<> Pair::apply(const config::Config& next) {
  if (!node_ && !next.vrrp.empty()) {
    auto platform = vrrp::open_host();
    if (!platform) {
      return platform.error();
    }
    tick();
    node_ = std::make_unique<vrrp::Node>(std::move(*platform), node_hooks());
    reachable_node_.with([this](vrrp::Node*& node) { node = node_.get(); });
  }
  const std::vector<vrrp::Options> before = instances_;
  if (node_) {
    events_.flush();
    lifeline_.expect_beats(Duration::zero());  // opening waits for the kernel
    const Result<void> configured = node_->configure(next.vrrp);
    lifeline_.beat(now_instant());
    lifeline_.expect_beats(next.node.hang_timeout);
    if (!configured) {
      return configured.error();
    }
    replaced_ = std::exchange(instances_, next.vrrp);
    events_.flush();
    replaced_.clear();
    for (const std::string& warning : node_->warnings()) {
      log_.warning("vrrp_warning", {{"reason", warning}});
    }
    lifeline_.expect_beats(next.node.hang_timeout);
  }
  if (const Result<void> linked = apply_link(next); !linked) {
    if (node_) {
      static_cast<void>(node_->configure(before));  // it was in force a moment ago
      instances_ = before;
    }
    return linked.error();
  }
  set_penalties();
  return {};
}

Result<> Pair::apply_link(const config::Config& next) {
  if (next.peer == link_options_) {
    return {};
  }
  std::shared_ptr<peer::Link> old = link_.with([](auto& link) { return std::exchange(link, nullptr); });
  old.reset();  // its port may be the new one's
  on_link_down();
  if (!next.peer) {
    link_options_.reset();
    return {};
  }
  auto opened = peer::Link::open(*next.peer, node_name_, std::string(version()), link_hooks(), log_);
  if (!opened) {
    if (link_options_) {
      if (auto again = peer::Link::open(*link_options_, node_name_, std::string(version()), link_hooks(), log_)) {
        link_.with([&](auto& link) { link = std::move(*again); });
      } else {
        link_options_.reset();
        log_.error("peer_link_lost", {{"reason", again.error().text}});
      }
    }
    return opened.error();
  }
  link_options_ = next.peer;
  link_.with([&](auto& link) { link = std::move(*opened); });
  return {};
}

Result<> Pair::keep_capabilities() { return node_ ? node_->keep_capabilities() : Result<>{}; }

bool Pair::knows(const std::string& instance) const {
  return std::any_of(instances_.begin(), instances_.end(),
                     [&](const vrrp::Options& one) { return one.name == instance; });
}

Result<std::string> Pair::hand_over(const std::string& instance, const std::string& who) {
  const std::vector<vrrp::InstanceStatus> routers = status();
  std::vector<std::string> names;
  for (std::size_t index = 0; index < std::min(instances_.size(), routers.size()); ++index) {
    names.push_back(instances_[index].name);
    if (instances_[index].name != instance) {
      continue;
    }
    if (routers[index].leaving) {
      return Error{concat("virtual router \"", instance, "\" is being handed over already")};
    }
    if (routers[index].state != vrrp::State::active) {
      return Error{concat("virtual router \"", instance, "\" is not active here: this node has nothing to hand over")};
    }
    controller_.record_event(LogLevel::info, "handover", {{"instance", instance}, {"who", who}});
    node_->hand_over(vrrp::InstanceIndex{static_cast<std::uint16_t>(index)});
    return concat(instance, ": the other node is asked to take it");
  }
  return Error{names.empty() ? concat("virtual router \"", instance, "\" does not exist; this node has none")
                             : concat("virtual router \"", instance, "\" does not exist; there are: ", join(names))};
}

void Pair::tell_promoted(const std::string& cluster, const std::string& backend, const std::string& who) {
  peer::View news;
  news.overrides.emplace_back();
  news.overrides[0].cluster = cluster;
  news.overrides[0].backend = backend;
  news.overrides[0].state = "promote";
  news.overrides[0].who = who;
  if (const auto link = this->link()) {
    link->share(std::move(news));
  }
}

/// Not used under its lock, which the vrrp thread takes.
std::shared_ptr<peer::Link> Pair::link() const {
  return link_.with([](const auto& held) { return held; });
}

void Pair::shut_down(std::function<void()> done) {
  if (!node_) {
    done();
    return;
  }
  on_shut_down_ = std::move(done);
  node_->shut_down();
  started_ = now_instant();
  wait_for_shutdown();
}

void Pair::wait_for_shutdown() {
  if (node_->is_shut_down() || now_instant() - started_ > kShutdownPatience) {
    if (on_shut_down_) {
      std::exchange(on_shut_down_, {})();
    }
    return;
  }
  shutdown_timer_.expires_after(1ms);
  shutdown_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) {
      wait_for_shutdown();
    }
  });
}

void Pair::tick() {
  const Instant now = now_instant();
  control_beat_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  vrrp::Inability readiness = readiness_.load(std::memory_order_relaxed);
  if (controller_.listeners().empty()) {
    readiness = vrrp::Inability::listeners_unbound;
  } else if (readiness != vrrp::Inability::starting || now - started_ > kVerdictPatience ||
             controller_.unknown_backends().empty()) {
    readiness = vrrp::Inability::none;
  }
  readiness_.store(readiness, std::memory_order_relaxed);
  watch_claims(now);
  if (link_options_ && now - whole_view_at_ >= kWholeViewEvery) {
    whole_view_at_ = now;  // what it says of ages and times left is true for a moment only
    peer::View whole = view_.whole(now);
    whole_view_.with([&](peer::View& held) { held = std::move(whole); });
  }
  tick_timer_.expires_after(kTick);
  tick_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) {
      tick();
    }
  });
}

void Pair::on_pools_changed() {
  set_penalties();
  if (!link_options_) {
    return;
  }
  const Instant now = now_instant();
  peer::View news = view_.changes(now);
  if (news.backends.empty() && news.overrides.empty()) {
    return;
  }
  whole_view_at_ = Instant{};
  if (const auto link = this->link()) {
    link->share(std::move(news));
  }
}

void Pair::set_penalties() {
  std::set<std::string> lost;
  std::set<ClusterId> alive;
  for (const lb::BackendStatus& backend : controller_.pools().backends()) {
    if (!backend.standing.known || backend.standing.up) {
      alive.insert(backend.cluster);
    }
  }
  for (const lb::ClusterStatus& cluster : controller_.pools().clusters()) {
    if (!alive.contains(cluster.id)) {
      lost.insert(cluster.name);
    }
  }
  for (std::size_t index = 0; node_ && index < instances_.size(); ++index) {
    unsigned penalty = 0;
    for (const vrrp::TrackedCluster& tracked : instances_[index].track_clusters) {
      penalty += lost.contains(tracked.cluster) ? tracked.penalty : 0U;
    }
    node_->set_penalty(vrrp::InstanceIndex{static_cast<std::uint16_t>(index)},
                       static_cast<std::uint8_t>(std::min(penalty, 255U)));
  }
}

void Pair::on_events(const std::vector<vrrp::Event>& events) {
  for (const vrrp::Event& event : events) {
    const bool is_last = event.kind == vrrp::EventKind::transition && event.cause == vrrp::Cause::reload;
    const std::vector<vrrp::Options>& list = is_last && !replaced_.empty() ? replaced_ : instances_;
    if (const auto index = static_cast<std::size_t>(event.instance); index < list.size()) {
      on_event(list[index], event);
    }
  }
}

void Pair::on_event(const vrrp::Options& instance, const vrrp::Event& event) {
  if (event.kind == vrrp::EventKind::handing_on) {
    // While the addresses are still here: the last words of the sessions leave from them.
    controller_.sever_addresses(addresses_of(instance));
    return;
  }
  if (event.kind == vrrp::EventKind::heard_nobody && link_up_) {
    return;  // a backup sends nothing, and over the link we would hear of another active one
  }
  end_claim(instance, event);
  if (event.contest == vrrp::Contest::lost &&
      (event.kind == vrrp::EventKind::contested || event.kind == vrrp::EventKind::contest_over)) {
    return;  // the transition tells who has it; when it was more than a preemption, the other node tells for how long
  }
  record(instance, event);
  if (event.kind == vrrp::EventKind::transition) {
    if (event.from == vrrp::State::active) {
      controller_.sever_addresses(addresses_of(instance));
    }
    notify(instance, event);
  }
}

/// Who was relieved, or has lost a contest, has the addresses no more, and may not have said so over the link.
void Pair::end_claim(const vrrp::Options& instance, const vrrp::Event& event) {
  const bool relieved = event.kind == vrrp::EventKind::transition && event.to == vrrp::State::active &&
                        event.cause != vrrp::Cause::silence;
  const bool met = event.kind == vrrp::EventKind::contested || event.kind == vrrp::EventKind::contest_over;
  if (relieved || met) {
    claims_.on_leaving(key_of(instance));
  }
}

/// The other node's claims are those since it came up; it hears ours.
void Pair::on_link_up() {
  link_up_ = true;
  const std::vector<vrrp::InstanceStatus> routers = status();
  for (std::size_t index = 0; index < std::min(routers.size(), instances_.size()); ++index) {
    if (routers[index].state == vrrp::State::active && !routers[index].leaving) {
      if (const auto link = this->link()) {
        link->say_active(key_of(instances_[index]));
      }
    }
  }
}

void Pair::on_link_down() {
  link_up_ = false;
  claims_.clear();
}

/// Both nodes active, and only the link tells: protocol 112 does not come through between them.
void Pair::watch_claims(Instant now) {
  const std::vector<vrrp::InstanceStatus> routers = link_up_ ? status() : std::vector<vrrp::InstanceStatus>{};
  std::set<std::string> contested;
  for (std::size_t index = 0; index < std::min(routers.size(), instances_.size()); ++index) {
    const vrrp::InstanceStatus& router = routers[index];
    if (router.state == vrrp::State::active && !router.leaving &&
        claims_.contests(key_of(instances_[index]), router.since, now)) {
      contested.insert(instances_[index].name);
    }
  }
  for (const std::string& name : contested) {
    if (!contested_.contains(name)) {
      ++contests_[name];
      controller_.record_event(
          LogLevel::error, "vrrp_contested",
          {{"instance", name},
           {"reason",
            "the other node says over the link that it is active too, but its adverts do not come through: "
            "is multicast or protocol 112 filtered?"}});
    }
  }
  for (const std::string& name : contested_) {
    if (!contested.contains(name)) {
      controller_.record_event(LogLevel::info, "vrrp_contest_over", {{"instance", name}});
    }
  }
  contested_ = std::move(contested);
}

std::vector<vrrp::InstanceStatus> Pair::status() const {
  return node_ ? node_->status() : std::vector<vrrp::InstanceStatus>{};
}

void Pair::record(const vrrp::Options& instance, const vrrp::Event& event) {
  EventText text = describe(instance, event);
  controller_.record_event(text.level, text.event, std::move(text.fields));
}

void Pair::notify(const vrrp::Options& instance, const vrrp::Event& event) {
  if (!instance.notify.empty()) {
    notify_.run(instance.name, make_notification(instance, event, node_name_));
  }
}

}  // namespace tandem::app
