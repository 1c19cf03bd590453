#include "base/text.hpp"
#include "config/draft.hpp"
#include "config/section.hpp"

namespace tandem::config {

namespace {

using lb::Balance;
using lb::OnConflict;
using lb::PoolOptions;
using lb::PoolRole;
using lb::WhenNoneHealthy;

void read_max_lag(Section& section, PoolOptions& options) {
  const Node* value = section.value("max_lag");
  if (value == nullptr) {
    return;
  }
  if (value->type != Node::Type::string) {
    section.wrong_type("max_lag", *value);
    return;
  }
  const auto bytes = parse_size(value->text);
  const auto time = parse_duration(value->text);
  if (bytes) {
    options.max_lag_bytes = *bytes;
  } else if (time) {
    options.max_lag_time = *time;
  } else {
    section.error(*value,
                  concat("max_lag ", quoted(*value), " is neither a size like \"1MB\" nor a duration like \"10s\""));
  }
  if (options.role != PoolRole::replica) {
    section.error(*value, "max_lag is for pools with role = \"replica\"");
  }
}

void read_role_rules(Section& section, PoolOptions& options) {
  section.read<PoolRole>("role", options.role,
                         {{"any", PoolRole::any}, {"primary", PoolRole::primary}, {"replica", PoolRole::replica}});
  const bool writes = options.role == PoolRole::primary;
  options.hold = writes ? Duration{30s} : Duration{0s};
  options.sever_on_role_loss = writes;
  options.sever_on_down = writes;
  section.read("hold", options.hold);
  section.read("hold_max", options.hold_max);
  section.read<OnConflict>("on_conflict", options.on_conflict,
                           {{"newest", OnConflict::newest}, {"refuse", OnConflict::refuse}});
  section.read<WhenNoneHealthy>("when_none_healthy", options.when_none_healthy,
                                {{"refuse", WhenNoneHealthy::refuse}, {"try_all", WhenNoneHealthy::try_all}});
  section.read("sever_on_role_loss", options.sever_on_role_loss);
  section.read("sever_on_down", options.sever_on_down);
  if (options.role != PoolRole::any && options.when_none_healthy == WhenNoneHealthy::try_all) {
    section.error("when_none_healthy", "when_none_healthy = \"try_all\" is for pools without a role");
  }
  if (!writes && section.has("on_conflict")) {
    section.warning("on_conflict", "on_conflict has no effect without role = \"primary\"");
  }
  read_max_lag(section, options);
}

void read_balance(Section& section, PoolOptions& options) {
  section.read<Balance>("balance", options.balance,
                        {{"least_connections", Balance::least_connections},
                         {"round_robin", Balance::round_robin},
                         {"power_of_two", Balance::power_of_two},
                         {"maglev", Balance::maglev},
                         {"first", Balance::first}});
  section.read("maglev_prefix_v4", options.maglev_prefix_v4);
  section.read("maglev_prefix_v6", options.maglev_prefix_v6);
  for (const std::string_view key : {"maglev_prefix_v4", "maglev_prefix_v6"}) {
    if (section.has(key) && options.balance != Balance::maglev) {
      section.warning(key, concat(key, " has no effect without balance = \"maglev\""));
    }
  }
}

void read_limits(Section& section, PoolOptions& options) {
  section.read("max_connections", options.max_connections);
  section.read("max_connections_per_backend", options.max_connections_per_backend);
  section.read("queue_max", options.queue_max);
  section.read("queue_timeout", options.queue_timeout);
  section.read("connect_timeout", options.connect_timeout);
  section.read("connect_attempts", options.connect_attempts);
  section.read("connecting_max", options.connecting_max);
}

}  // namespace

Item<PoolOptions> read_pool(const Member& member, Problems& problems) {
  Section section(member.value, member.place, schema::pool(), concat("[pool.", member.key, "]"),
                  concat("pool \"", member.key, "\""), problems);
  PoolOptions options;
  options.name = member.key;
  section.read("cluster", options.cluster);
  read_role_rules(section, options);
  read_balance(section, options);
  section.read("fallback", options.fallback);
  if (section.has("return_to_replicas")) {
    Duration over{0};
    section.read("return_to_replicas", over);
    options.return_to_replicas = over;
    if (!section.has("fallback")) {
      section.warning("return_to_replicas", "return_to_replicas has no effect without a fallback");
    }
  } else {
    section.value("return_to_replicas");
  }
  read_limits(section, options);
  return {options, member.place, &member.value};
}

}  // namespace tandem::config
