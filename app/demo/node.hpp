#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "app/demo/child.hpp"
#include "app/demo/forwarder.hpp"
#include "app/demo/network.hpp"
#include "app/demo/stage.hpp"
#include "app/demo/story.hpp"
#include "base/result.hpp"
#include "net/netlink_socket.hpp"

namespace tandem::app::demo {

/// One of the two machines: a network of its own with a cable to the bridge, a `tandem run`, and a door through which
/// the host's browser sees its status.
class Node {
 public:
  Node(const Stage& stage, std::size_t seat, std::string program, std::string directory, Doorway door);

  /// A new machine: its network, its cable, its program.
  Result<> power_on(const Lan& lan);
  /// All at once, as a machine does when its power goes: nothing that it could still say reaches anybody.
  void power_off(const Lan& lan);
  /// kill -9 of the process that serves, which its watcher starts anew. The error says why there is none.
  Result<> kill_serving();
  /// Starts `tandem handover`, as an operator would.
  Result<Child> hand_over() const;
  /// Ends everything of it, as it was not part of the story.
  void stop();

  [[nodiscard]] const std::string& name() const { return stage_.seats.at(seat_).name; }
  [[nodiscard]] const Endpoint& door() const { return door_.endpoint; }
  [[nodiscard]] std::string log_file() const { return file("log"); }
  /// Whether what should run does.
  [[nodiscard]] bool well();
  /// Takes in what the kernel says about its addresses; true when the shared one came or went.
  bool refresh();
  /// The shared address is on its interface.
  [[nodiscard]] bool holds_address() const { return holds_; }
  /// The complete lines of its log that came since the last call.
  std::vector<std::string> read_log() { return log_.read(); }
  /// The end of its log, for an error; of another file of its, which ends in `ending`.
  [[nodiscard]] std::string last_words() const { return last_words_of("log"); }
  [[nodiscard]] std::string last_words_of(const std::string& ending) const { return last_line(file(ending)); }
  /// It says that it can serve. Waits for that a moment.
  [[nodiscard]] bool ready() const;

 private:
  [[nodiscard]] std::string file(const std::string& ending) const { return directory_ + "/" + name() + "." + ending; }
  [[nodiscard]] std::optional<pid_t> serving_pid() const;
  Result<> watch_addresses();

  const Stage& stage_;
  std::size_t seat_;
  std::string program_;
  std::string directory_;
  Doorway door_;
  LogTail log_;
  NetworkNamespace network_;
  std::optional<net::NetlinkSubscription> addresses_;
  Child process_;
  Child forwarder_;
  bool powered_ = false;
  bool holds_ = false;
};

}  // namespace tandem::app::demo
