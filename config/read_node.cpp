#include "config/draft.hpp"
#include "config/section.hpp"

namespace tandem::config {

NodeOptions read_node(const Node& table, Place place, Problems& problems) {
  Section section(table, place, schema::node(), "[node]", "[node]", problems);
  NodeOptions options;
  section.read("name", options.name);
  section.read("workers", options.workers);
  section.read("user", options.user);
  section.read("drain_timeout", options.drain_timeout);
  section.read("shutdown_timeout", options.shutdown_timeout);
  section.read("hang_timeout", options.hang_timeout);
  return options;
}

LogOptions read_log(const Node& table, Place place, Problems& problems) {
  Section section(table, place, schema::log(), "[log]", "[log]", problems);
  LogOptions options;
  section.read<LogFormat>("format", options.format, {{"text", LogFormat::text}, {"json", LogFormat::json}});
  section.read<LogLevel>("level", options.level,
                         {{"debug", LogLevel::debug},
                          {"info", LogLevel::info},
                          {"warning", LogLevel::warning},
                          {"error", LogLevel::error}});
  section.read("session_sample", options.session_sample);
  return options;
}

void read_admin(const Node& table, Place place, Draft& draft, Problems& problems) {
  constexpr std::size_t socket_path_max = 107;  // sun_path of unix(7), with its terminating zero
  Section section(table, place, schema::admin(), "[admin]", "[admin]", problems);
  admin::AdminOptions& options = draft.admin;
  const Node* listen = table.find("listen");
  if (listen != nullptr && listen->type == Node::Type::string && listen->written.empty()) {
    section.value("listen");
    options.listen.reset();
  } else {
    section.read("listen", *options.listen);
  }
  section.read("socket", options.socket);
  section.read("token_file", options.token_file);
  draft.admin_listen = section.place_of("listen");
  if (options.socket.size() > socket_path_max) {
    section.error("socket", "socket is a path of more than 107 bytes, and the kernel takes no more");
  }
  if (options.listen && !options.listen->address.is_loopback() && options.token_file.empty()) {
    section.error("listen", "listen is not a loopback address, so a token_file is required");
  }
}

}  // namespace tandem::config
