#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "app/demo/ledger.hpp"
#include "base/address.hpp"

namespace tandem::app::demo {

/// One embedded database: a port that takes reads and writes over HTTP, and one that answers a role as Patroni does.
struct Database {
  std::uint32_t index = 0;
  std::string name;
  Endpoint data;
  Endpoint rest;
};

/// The whole HTTP answer to `request` on the data port: who answered, as which role, at which timeline. A replica
/// refuses writes with 503.
std::string answer_data(const Database& database, Ledger& ledger, std::string_view request);

/// The whole HTTP answer to GET /primary as Patroni's REST API gives it: 200 from the primary, else 503.
std::string answer_rest(const Database& database, const Ledger& ledger);

/// Serves until the process is killed; returns only when it cannot bind its ports.
void serve(const Database& database, Ledger& ledger);

}  // namespace tandem::app::demo
