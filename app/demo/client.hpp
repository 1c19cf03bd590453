#pragma once

#include <cstdint>
#include <string_view>

#include "app/demo/ledger.hpp"
#include "base/address.hpp"
#include "base/time.hpp"
#include "net/fd.hpp"

namespace tandem::app::demo {

enum class RequestKind : std::uint8_t { write, read };

enum class Outcome : std::uint8_t { good, refused, cut_off, timed_out, wrong_answer };

/// What became of one request. Goes through a pipe as it is.
struct Record {
  RequestKind kind = RequestKind::write;
  Outcome outcome = Outcome::cut_off;
  bool by_primary = false;
  std::uint32_t timeline = 0;
  Duration started{0};  // since the clock's beginning
  Duration finished{0};
};

/// Whether an answer is one of ours, and what it says; an empty one was cut off. Pure.
Record read_answer(RequestKind kind, std::string_view answer);

/// Begins a write and a read every few milliseconds, each on a connection of its own and whatever became of those
/// before, until the ledger says stop; nothing is tried again. Writes a Record of each into `records`.
void keep_requesting(const Endpoint& writes, const Endpoint& reads, const Ledger& ledger, const net::Fd& records);

}  // namespace tandem::app::demo
