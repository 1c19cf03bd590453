#pragma once

#include <optional>
#include <string>

namespace tandem::app {

/// Where the commands find a running node: --admin, else TANDEM_ADMIN, else the default socket.
struct NodeAddress {
  std::string admin;       // a socket's path or http://host:port
  std::string token_file;  // for http://
};

/// How `tandem status` answers.
enum class StatusFormat { text, json };

/// Each asks a running node, prints its answer and returns the exit status.
int print_status(const NodeAddress& node, StatusFormat format);
/// Prints the status again and again, until interrupted or `rounds` times.
int watch_status(const NodeAddress& node, std::optional<unsigned> rounds);

/// What to do with one backend.
struct BackendCommand {
  std::string verb;    // "drain", "ready", "promote"
  std::string target;  // "CLUSTER/BACKEND"
  std::string lasts;   // a duration; empty: until taken back
  std::string reason;
};

int order_backend(const NodeAddress& node, const BackendCommand& command);
int order_reload(const NodeAddress& node);
/// Gives the addresses of a virtual router, and of its sync group, to the peer; without a name, of all that the node is
/// active for.
int order_handover(const NodeAddress& node, const std::string& instance);

}  // namespace tandem::app
