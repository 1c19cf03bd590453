#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/address.hpp"
#include "base/ids.hpp"
#include "base/role.hpp"
#include "base/time.hpp"
#include "lb/backend.hpp"
#include "lb/options.hpp"
#include "lb/relay/proxy_protocol.hpp"
#include "lb/relay/session_state.hpp"
#include "lb/relay/transfer.hpp"
#include "lb/snapshot.hpp"
#include "net/reactor.hpp"
#include "net/timer_wheel.hpp"

namespace tandem::lb::relay {

class Carrier;
class Listener;
struct Session;

/// One end of a session as epoll knows it.
struct Side final : net::EventHandler {
  void on_events(std::uint32_t events) override;

  Session* session = nullptr;
  End end = End::client;
  Channel channel;
};

/// The backend that a session has, or is connecting to, with its slot in the limits.
struct Choice {
  std::shared_ptr<Backend> backend;
  std::shared_ptr<PoolState> pool_state;
  std::shared_ptr<const PoolOptions> pool_options;
  PoolId pool{};
  std::uint64_t generation = 0;  // of the pool when it was chosen
  std::uint64_t serial = 0;      // rises with each choice of a worker
  Role role = Role::none;
};

enum class WaitKind : std::uint8_t {
  held,
  queued,
  resting,  // in no line: every backend has failed it once, and it gives them a moment
};

/// A session's place in the waiting room.
struct Wait {
  WaitKind kind = WaitKind::held;
  Instant since{};
  std::shared_ptr<PoolState> counted_in;  // whose held or queued it is one of
  Session* previous = nullptr;
  Session* next = nullptr;
};

/// One client connection and the backend connection that it is relayed to. Belongs to one worker.
struct Session final : net::TimerHandler {
  static constexpr std::size_t kTriedMax = 8;

  Session() : timer(this) {
    client.session = this;
    backend.session = this;
    backend.end = End::backend;
  }
  void on_timer() override;

  Side& side(End end) noexcept { return end == End::client ? client : backend; }
  Transfer& transfer(End from) noexcept { return from == End::client ? to_backend : to_client; }

  Carrier* carrier = nullptr;
  std::uint32_t slot = 0;  // in the session table
  bool in_ready_queue = false;
  SessionState state;
  net::Timer timer;  // what for depends on the phase
  Side client;
  Side backend;
  Transfer to_backend;
  Transfer to_client;

  std::shared_ptr<Listener> listener;
  PoolId entry_pool{};
  Endpoint client_address;
  std::optional<ProxiedConnection> proxied;  // from the PROXY header
  std::optional<Choice> choice;
  Wait wait;

  std::array<BackendId, kTriedMax> tried{};
  std::uint32_t attempts = 0;
  std::uint32_t rested_after = 0;  // how many attempts
  std::optional<ConnectFailure> last_failure;

  Instant arrived{};
  Instant connect_began{};
  Instant established{};
  Instant flush_began{};
  Duration held_for{0};
  Duration queued_for{0};
  Duration connect_took{0};
};

}  // namespace tandem::lb::relay
