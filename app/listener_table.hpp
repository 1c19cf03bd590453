#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "lb/forward_plane.hpp"
#include "lb/options.hpp"

namespace tandem::app {

/// The listeners of the running configuration, brought to a plane address by address: an address that stays bound
/// across a reload keeps its sockets, whatever else changes about its listener. Control thread.
class ListenerTable {
 public:
  using FindPool = std::function<PoolId(const std::string& name)>;

  ListenerTable(lb::ForwardPlane& plane, std::size_t workers) : plane_(plane), workers_(workers) {}

  /// Opens the addresses of `next` that are not open yet, without touching the others. On an error those just opened
  /// are closed again; the error names the address.
  /// `virtual_addresses` may be bound while this host does not have them.
  Result<> open_new(const std::vector<lb::ListenerOptions>& next, const std::set<IpAddress>& virtual_addresses,
                    const FindPool& find_pool);

  /// After open_new(): gives every address its listener's options and pool, and closes addresses that are in none.
  /// Returns the ids of the closed ones; their sessions go on.
  std::vector<ListenerId> settle(const std::vector<lb::ListenerOptions>& next, const FindPool& find_pool);

  /// Closes everything; sessions go on.
  void close_all();

  /// The listeners that are open on one of `addresses`.
  [[nodiscard]] std::vector<ListenerId> on(const std::vector<IpAddress>& addresses) const;
  /// Whether no address is open.
  [[nodiscard]] bool empty() const { return open_.empty(); }
  /// Listeners that are in no file any more, but have sessions.
  [[nodiscard]] std::vector<std::string> draining(const std::vector<lb::ListenerOptions>& running) const;
  /// What the workers share of a listener, by name, also of one that drains; null when there is none.
  [[nodiscard]] const lb::ListenerState* find(const std::string& name) const;

 private:
  lb::ListenerSpec make_spec(const lb::ListenerOptions& listener, const Endpoint& address, const FindPool& find_pool);

  lb::ForwardPlane& plane_;
  std::size_t workers_;
  std::uint32_t next_id_ = 1;
  std::map<Endpoint, lb::ListenerSpec> open_;
  std::map<std::string, std::shared_ptr<lb::ListenerState>> states_;
};

}  // namespace tandem::app
