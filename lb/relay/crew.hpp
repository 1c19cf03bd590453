#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "lb/forward_plane.hpp"
#include "lb/relay/command.hpp"
#include "lb/relay/wait_board.hpp"
#include "metrics/counter.hpp"
#include "net/mailbox.hpp"

namespace tandem::lb::relay {

/// What the relay plane is built with.
struct RelayOptions {
  std::size_t workers = 1;
  std::uint64_t seed = 1;
  std::uint32_t log_one_in = 1;  // session lines; 0: none
};

/// What the workers of a plane share. Any thread.
class Crew {
 public:
  static constexpr std::size_t kMailboxCapacity = 4096;

  Crew(const RelayOptions& relay_options, Log session_log, std::function<void(const ConnectFailed&)> connect_failed)
      : options(relay_options),
        log(std::move(session_log)),
        on_connect_failed(std::move(connect_failed)),
        log_one_in(relay_options.log_one_in),
        board(relay_options.workers),
        stats(relay_options.workers),
        load(relay_options.workers),
        heartbeats(relay_options.workers) {
    for (std::size_t worker = 0; worker < relay_options.workers; ++worker) {
      mailboxes.push_back(std::make_unique<net::Mailbox<Command>>(kMailboxCapacity));
    }
  }

  [[nodiscard]] net::Mailbox<Command>& mailbox(WorkerId worker) { return *mailboxes[number(worker)]; }
  /// Where a client goes that `worker` accepted: to the least loaded, where this one has more than twice as many.
  [[nodiscard]] WorkerId place_for_client(WorkerId worker) const;

  const RelayOptions options;
  const Log log;
  const std::function<void(const ConnectFailed&)> on_connect_failed;
  std::atomic<std::uint32_t> log_one_in;  // session lines; 0: none; a reload may change it
  WaitBoard board;
  metrics::PerWorker<WorkerStats> stats;
  metrics::PerWorker<std::atomic<std::uint32_t>> load;       // clients, those under way to the worker with them
  metrics::PerWorker<std::atomic<std::int64_t>> heartbeats;  // when the worker last turned, on the steady clock
  std::vector<std::unique_ptr<net::Mailbox<Command>>> mailboxes;
};

}  // namespace tandem::lb::relay
