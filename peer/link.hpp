#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "peer/message.hpp"
#include "peer/options.hpp"

namespace tandem::peer {

/// What the link tells its node; all on the link's thread.
struct LinkHooks {
  std::function<void(const Router&)> on_leaving;
  std::function<void(const Router&)> on_active;
  std::function<void(View)> on_view;
  std::function<View()> full_view;  // after a connect: everything this node knows; any thread may be asked
  /// It stands, or stands no more. `lost` without a goodbye: the other end died or cannot be reached.
  std::function<void()> on_up;
  std::function<void()> on_lost;
  std::function<void()> on_goodbye;
};

struct LinkStatus {
  bool up = false;
  std::string peer_node;
  std::string peer_version;
  std::uint16_t protocol = 0;          // spoken
  Duration since{0};                   // of `up` as it is
  std::optional<Duration> round_trip;  // of the last ping
  std::string reason;                  // why it is down
  std::uint64_t connects = 0;
  std::uint64_t losses = 0;
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t overflows = 0;  // messages that found the queue full
};

/// The connection to the other node, over TLS 1.3, on a thread of its own: both ends listen and call, one connection is
/// kept. Tried again forever while it is down. Public functions may be called from any thread.
class Link {
 public:
  /// Opens the listening socket and reads the files; the error names what could not be opened or read.
  static Result<std::unique_ptr<Link>> open(const Options& options, std::string node, std::string version,
                                            LinkHooks hooks, Log log);
  /// Says goodbye, briefly, and ends the thread.
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Neither blocks nor allocates; ahead of any view. Lost when the link is down.
  void say_leaving(const Router& router);
  void say_active(const Router& router);
  /// What has changed since the last view.
  void share(View changes);
  [[nodiscard]] LinkStatus status() const;

 private:
  struct State;
  explicit Link(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace tandem::peer
