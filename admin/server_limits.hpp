#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace tandem::admin {

using namespace std::chrono_literals;

/// What one client, or all of them, may ask of the server.
struct ServerLimits {
  std::uint32_t head_bytes_max = 8 * 1024;    // more: 431
  std::uint64_t body_bytes_max = 64 * 1024;   // more: 413
  Duration request_timeout = 10s;             // to wait for a request and read it
  Duration response_timeout = 60s;            // to take an answer
  std::uint32_t connections_max = 64;         // of TCP, and of the unix socket; more are closed and counted
  std::size_t stream_bytes_max = 256 * 1024;  // of live events that a client has not taken; more: it is dropped
  Duration heartbeat = 15s;                   // a comment to every client of live events
};

}  // namespace tandem::admin
