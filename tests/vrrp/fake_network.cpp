#include "tests/vrrp/fake_network.hpp"

#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "vrrp/packet.hpp"

namespace tandem::vrrp {

void FakeHost::set_interface(const std::string& name, const InterfaceState& state) {
  interfaces_[name] = state;
  changed_ = true;
}

void FakeHost::put_addresses(const std::string& instance, bool held) {
  held_[instance] = held;
  changed_ = true;
}

bool FakeHost::holds(const std::string& instance) const {
  const auto found = held_.find(instance);
  return found != held_.end() && found->second;
}

InterfaceState FakeHost::find(const std::string& name) const {
  const auto found = interfaces_.find(name);
  return found == interfaces_.end() ? InterfaceState{} : found->second;
}

Result<Port> FakeHost::open(const Options& options) {
  if (!open_error_.empty()) {
    return Error{open_error_};
  }
  ++opened_;
  Port port;
  port.transport = std::make_unique<FakeTransport>(*this, options);
  port.addresses = std::make_unique<FakeAddresses>(*this, options.name);
  return Result<Port>(std::move(port));
}

FakeTransport::FakeTransport(FakeHost& host, const Options& options) : host_(host), interface_(options.interface) {
  host_.transports_.push_back(this);
}

FakeTransport::~FakeTransport() { std::erase(host_.transports_, this); }

std::optional<Datagram> FakeTransport::receive() {
  if (waiting_.empty()) {
    return std::nullopt;
  }
  current_ = std::move(waiting_.front());
  waiting_.pop_front();
  return Datagram{current_.bytes, current_.route, current_.hop_limit};
}

bool FakeTransport::send(Bytes advert, const Route& route) {
  if (!host_.find(interface_).up) {
    return false;
  }
  host_.network_.send(host_.number_, interface_, advert, route);
  return true;
}

bool FakeTransport::bequeath(Will& will, Bytes advert, const Route& route) const {
  return will.append({Will::Kind::ip_packet, host_.find(interface_).index, route.destination, advert});
}

Result<> FakeAddresses::acquire() {
  if (!host_.refusal_.empty()) {
    return Error{host_.refusal_};
  }
  host_.held_[instance_] = true;
  return {};
}

Result<> FakeAddresses::release() {
  host_.held_[instance_] = false;
  return {};
}

void FakeAddresses::announce(std::uint8_t /*repeat*/) { host_.network_.announcers_[instance_] = host_.number_; }

bool FakeAddresses::bequeath(Will& will) const {
  return will.append({Will::Kind::netlink_request, 0, {}, as_bytes(instance_)});
}

FakeHost& FakeNetwork::add_host() {
  hosts_.push_back(std::make_unique<FakeHost>(*this, hosts_.size()));
  return *hosts_.back();
}

std::optional<Instant> FakeNetwork::next_arrival() const {
  const auto first = std::ranges::min_element(flying_, {}, &Flying::at);
  return first == flying_.end() ? std::nullopt : std::optional(first->at);
}

std::vector<std::size_t> FakeNetwork::deliver() {
  std::vector<std::size_t> reached;
  std::ranges::stable_sort(flying_, {}, &Flying::at);
  const auto end = std::ranges::find_if(flying_, [&](const Flying& flying) { return flying.at > now_; });
  for (auto flying = flying_.begin(); flying != end; ++flying) {
    for (FakeTransport* transport : hosts_[flying->to]->transports_) {
      if (transport->interface_ == flying->link) {
        transport->waiting_.push_back(flying->datagram);
        reached.push_back(flying->to);
      }
    }
  }
  flying_.erase(flying_.begin(), end);
  return reached;
}

void FakeNetwork::inject(std::size_t to, const FakeDatagram& datagram) {
  for (FakeTransport* transport : hosts_[to]->transports_) {
    transport->waiting_.push_back(datagram);
  }
}

std::optional<std::size_t> FakeNetwork::last_announcer(const std::string& instance) const {
  const auto found = announcers_.find(instance);
  return found == announcers_.end() ? std::nullopt : std::optional(found->second);
}

void FakeNetwork::send(std::size_t from, const std::string& link, Bytes advert, const Route& route) {
  const FakeDatagram datagram{{advert.begin(), advert.end()}, route, 255};
  sent_.push_back(datagram);
  const bool multicast = route.destination == group(route.destination.family());
  for (std::size_t to = 0; to < hosts_.size(); ++to) {
    const InterfaceState there = hosts_[to]->find(link);
    const bool meant = multicast || there.source_v4 == route.destination || there.source_v6 == route.destination;
    if (to == from || cut_[link] || !there.up || !meant || random_.fraction() < loss_) {
      continue;
    }
    const auto delay = std::chrono::duration_cast<Duration>(delay_max_ * random_.fraction());
    flying_.push_back({now_ + delay, to, link, datagram});
  }
}

}  // namespace tandem::vrrp
