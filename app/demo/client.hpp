#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "app/demo/ledger.hpp"
#include "base/address.hpp"
#include "base/time.hpp"
#include "net/fd.hpp"

namespace tandem::app::demo {

enum class RequestKind : std::uint8_t { write, read };

/// What became of one request. Goes through a pipe as it is.
struct Record {
  RequestKind kind = RequestKind::write;
  bool good = false;
  std::uint8_t sent_again = 0;  // how often its connection ended before the answer
  bool by_primary = false;
  std::uint32_t timeline = 0;
  Duration started{0};  // since the clock's beginning
  Duration finished{0};
};

/// Whether an answer is one of ours, and what it says. Pure.
Record read_answer(RequestKind kind, std::string_view answer);

/// One request over a new connection, and once more where that ends before an answer, as clients of databases do.
/// Waits at most 15 s.
Record request(RequestKind kind, const Endpoint& node);

/// Makes one request after the other until the ledger says stop, and writes a Record of each into `records`.
void keep_requesting(RequestKind kind, const Endpoint& node, const Ledger& ledger, const net::Fd& records);

}  // namespace tandem::app::demo
