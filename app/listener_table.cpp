#include "app/listener_table.hpp"

#include <algorithm>
#include <set>

namespace tandem::app {

namespace {

bool has_sessions(const lb::ListenerState& state) {
  return state.active.load(std::memory_order_relaxed) > 0;  // relaxed: a figure to show
}

}  // namespace

Result<> ListenerTable::open_new(const std::vector<lb::ListenerOptions>& next,
                                 const std::set<IpAddress>& virtual_addresses, const FindPool& find_pool) {
  std::vector<Endpoint> opened;
  for (const lb::ListenerOptions& listener : next) {
    for (const Endpoint& address : listener.bind) {
      if (open_.contains(address)) {
        continue;
      }
      lb::ListenerSpec spec = make_spec(listener, address, find_pool);
      if (virtual_addresses.contains(address.address)) {
        spec.residence = lb::Residence::virtual_address;
      }
      const Result<void> result = plane_.open(spec);
      if (!result) {
        for (const Endpoint& undo : opened) {
          plane_.close(open_.at(undo).id);
          open_.erase(undo);
        }
        return result.error();
      }
      open_.emplace(address, std::move(spec));
      opened.push_back(address);
    }
  }
  return {};
}

std::vector<ListenerId> ListenerTable::settle(const std::vector<lb::ListenerOptions>& next, const FindPool& find_pool) {
  std::set<Endpoint> wanted;
  std::set<std::string> names;
  for (const lb::ListenerOptions& listener : next) {
    names.insert(listener.name);
    for (const Endpoint& address : listener.bind) {
      wanted.insert(address);
      lb::ListenerSpec& spec = open_.at(address);
      lb::ListenerSpec wished = make_spec(listener, address, find_pool);
      wished.id = spec.id;
      wished.residence = spec.residence;
      if (*wished.options != *spec.options || wished.pool != spec.pool || wished.state != spec.state) {
        spec = std::move(wished);
        plane_.update(spec);
      }
    }
  }
  std::vector<ListenerId> closed;
  std::erase_if(open_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) {
      return false;
    }
    plane_.close(entry.second.id);
    closed.push_back(entry.second.id);
    return true;
  });
  std::erase_if(states_,
                [&](const auto& entry) { return !names.contains(entry.first) && !has_sessions(*entry.second); });
  return closed;
}

std::vector<ListenerId> ListenerTable::on(const std::vector<IpAddress>& addresses) const {
  std::vector<ListenerId> out;
  for (const auto& [endpoint, spec] : open_) {
    if (std::find(addresses.begin(), addresses.end(), endpoint.address) != addresses.end()) {
      out.push_back(spec.id);
    }
  }
  return out;
}

void ListenerTable::close_all() {
  for (const auto& [address, spec] : open_) {
    plane_.close(spec.id);
  }
  open_.clear();
}

std::vector<std::string> ListenerTable::draining(const std::vector<lb::ListenerOptions>& running) const {
  std::vector<std::string> names;
  for (const auto& entry : states_) {
    const auto same = [&](const lb::ListenerOptions& listener) { return listener.name == entry.first; };
    if (has_sessions(*entry.second) && std::none_of(running.begin(), running.end(), same)) {
      names.push_back(entry.first);
    }
  }
  return names;
}

const lb::ListenerState* ListenerTable::find(const std::string& name) const {
  const auto found = states_.find(name);
  return found == states_.end() ? nullptr : found->second.get();
}

lb::ListenerSpec ListenerTable::make_spec(const lb::ListenerOptions& listener, const Endpoint& address,
                                          const FindPool& find_pool) {
  auto& state = states_[listener.name];
  if (!state) {
    state = std::make_shared<lb::ListenerState>(workers_);
  }
  auto options = std::make_shared<lb::ListenerOptions>(listener);
  options->bind = {address};
  return {ListenerId{next_id_++}, std::move(options), find_pool(listener.pool), state, lb::Residence::fixed};
}

}  // namespace tandem::app
