#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "lb/pools.hpp"

namespace tandem::lb::test {

using namespace std::chrono_literals;

inline constexpr Instant kStart{1h};

/// A cluster "db" of a, b, c with the pools that a test gives it, and the shortest words to tell what its members say.
class Town {
 public:
  explicit Town(std::vector<PoolOptions> options, std::size_t backends = 3)
      : pool_options(std::move(options)), pools(2) {
    cluster.name = "db";
    for (std::size_t index = 0; index < backends; ++index) {
      BackendOptions backend;
      backend.name = std::string(1, static_cast<char>('a' + index));
      backend.address = Endpoint{IpAddress(), static_cast<std::uint16_t>(5432 + index)};
      cluster.backends.push_back(backend);
    }
    configure();
  }

  Change& configure() { return keep(pools.configure({&cluster, 1}, pool_options, now)); }

  Change& says(std::string_view backend, const Standing& standing) {
    return keep(pools.on_standing(id(backend), standing, now));
  }
  Change& primary(std::string_view backend, std::optional<std::uint64_t> epoch = std::nullopt) {
    return says(backend, up(Role::primary, epoch));
  }
  Change& replica(std::string_view backend, std::optional<std::uint64_t> epoch = std::nullopt) {
    return says(backend, up(Role::replica, epoch));
  }
  Change& up_without_role(std::string_view backend) { return says(backend, up(Role::none, std::nullopt)); }
  Change& down(std::string_view backend) {
    Standing standing;
    standing.known = true;
    standing.reason = "connect refused";
    return says(backend, standing);
  }
  Change& admin(std::string_view backend, AdminState state) {
    return keep(pools.on_admin_state(id(backend), state, now));
  }
  Change& applied() { return keep(pools.on_applied(pools.snapshot()->version, now)); }
  Change& after(Duration duration) {
    now += duration;
    return keep(pools.on_deadline(now));
  }

  /// "a b": the candidates of a pool.
  [[nodiscard]] std::string of(std::string_view pool) const {
    std::string names;
    for (const Candidate& candidate : view(pool).candidates) {
      names += (names.empty() ? "" : " ") + candidate.backend->name;
    }
    return names;
  }
  [[nodiscard]] const PoolView& view(std::string_view pool) const {
    return *pools.snapshot()->find(*pools.find_pool(pool));
  }
  [[nodiscard]] BackendId id(std::string_view backend) const { return pools.find_backend("db", backend).value(); }
  [[nodiscard]] ClusterStatus status() const { return pools.clusters().at(0); }

  /// "write:a:severed_role read:b:severed_down": the severs of the last change by pool, backend and cause.
  [[nodiscard]] std::string severed() const {
    std::string text;
    for (const Sever& sever : last.severs) {
      text += text.empty() ? "" : " ";
      text += sever.entry_pool ? pool_name(*sever.entry_pool) + ">" : "";
      text += sever.pool ? pool_name(*sever.pool) : "*";
      text += ":" + (sever.backend ? backend_name(*sever.backend) : "*") + ":" + std::string(to_string(sever.cause));
    }
    return text;
  }
  /// "primary_lost pool_empty": the events of the last change.
  [[nodiscard]] std::string events() const {
    std::string text;
    for (const LogEvent& event : last.events) {
      text += (text.empty() ? "" : " ") + std::string(event.event);
    }
    return text;
  }
  /// A field of the first event with this name in the last change.
  [[nodiscard]] std::string field(std::string_view event, std::string_view key) const {
    for (const LogEvent& one : last.events) {
      for (const LogField& field : one.fields) {
        if (one.event == event && field.key == key) {
          const auto* text = std::get_if<std::string>(&field.value);
          return text == nullptr ? std::to_string(std::get<std::int64_t>(field.value)) : *text;
        }
      }
    }
    return "missing";
  }

  static Standing up(Role role, std::optional<std::uint64_t> epoch) {
    Standing standing;
    standing.known = true;
    standing.up = true;
    standing.role = role;
    standing.epoch = epoch;
    standing.reason = "role " + std::string(to_string(role));
    return standing;
  }

  ClusterOptions cluster;
  std::vector<PoolOptions> pool_options;
  Pools pools;
  Instant now = kStart;
  Change last;

 private:
  Change& keep(Change change) {
    last = std::move(change);
    return last;
  }
  [[nodiscard]] std::string pool_name(PoolId pool) const {
    for (const PoolStatus& status : pools.pools()) {
      if (status.id == pool) {
        return status.view->options->name;
      }
    }
    return "gone";
  }
  [[nodiscard]] std::string backend_name(BackendId backend) const {
    for (const BackendStatus& status : pools.backends()) {
      if (status.id == backend) {
        return status.options.name;
      }
    }
    return "gone";
  }
};

inline PoolOptions write_pool() {
  PoolOptions options;
  options.name = "write";
  options.cluster = "db";
  options.role = PoolRole::primary;
  options.hold = 30s;
  options.sever_on_down = true;
  return options;
}

inline PoolOptions read_pool() {
  PoolOptions options;
  options.name = "read";
  options.cluster = "db";
  options.role = PoolRole::replica;
  options.fallback = "write";
  return options;
}

inline PoolOptions any_pool() {
  PoolOptions options;
  options.name = "web";
  options.cluster = "db";
  return options;
}

}  // namespace tandem::lb::test
