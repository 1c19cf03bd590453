#include "base/text.hpp"
#include "config/draft.hpp"
#include "config/section.hpp"

namespace tandem::config {

namespace {

using lb::ListenerOptions;
using lb::SendProxyProtocol;

void read_binds(Section& section, std::vector<Endpoint>& out) {
  const Node* list = section.value("bind");
  if (list == nullptr) {
    return;
  }
  if (list->type == Node::Type::string) {
    section.error(*list, concat("bind is a string, wanted an array: [", quoted(*list), "]"));
    return;
  }
  if (list->type != Node::Type::array) {
    section.wrong_type("bind", *list);
    return;
  }
  if (list->elements.empty()) {
    section.error(*list, "bind is empty");
  }
  for (const Node& element : list->elements) {
    if (element.type != Node::Type::string) {
      section.error(element, concat("an element of bind is ", with_article(element.type),
                                    ", wanted a string like \"192.0.2.1:80\""));
      continue;
    }
    if (element.unusable) {
      continue;
    }
    const auto endpoint = parse_endpoint(element);
    if (endpoint) {
      out.push_back(*endpoint);
    } else {
      section.error(element, concat("bind: ", endpoint.error().text));
    }
  }
}

void read_accepted_header(Section& section, ListenerOptions& options) {
  const Node* value = section.value("accept_proxy_protocol");
  if (value == nullptr) {
    return;
  }
  if (value->type == Node::Type::boolean) {
    options.accept_proxy_protocol = value->boolean;
    return;
  }
  if (value->type != Node::Type::table) {
    section.wrong_type("accept_proxy_protocol", *value);
    return;
  }
  Section senders(*value, value->place, schema::senders(), concat("accept_proxy_protocol of ", section.title()),
                  concat(section.subject(), ": accept_proxy_protocol"), section.problems());
  senders.read("from", options.proxy_protocol_from);
  options.accept_proxy_protocol = true;
  const Node* from = value->find("from");
  if (from != nullptr && from->type == Node::Type::array && from->elements.empty()) {
    senders.error(*from, "from is empty; write accept_proxy_protocol = true for everybody");
  }
}

/// The kernel counts these in seconds.
void read_whole_seconds(Section& section, std::string_view key, Duration& out) {
  section.read(key, out);
  if (out % 1s != 0s) {
    section.error(key, concat(key, " ", to_string(out), " is not in whole seconds, as the kernel counts it"));
  }
}

}  // namespace

Item<ListenerOptions> read_listener(const Member& member, Problems& problems) {
  Section section(member.value, member.place, schema::listener(), concat("[listener.", member.key, "]"),
                  concat("listener \"", member.key, "\""), problems);
  ListenerOptions options;
  options.name = member.key;
  read_binds(section, options.bind);
  section.read("pool", options.pool);
  section.read("allow", options.allow);
  section.read("deny", options.deny);
  section.read("max_connections", options.max_connections);
  section.read("idle_timeout", options.idle_timeout);
  section.read("half_close_timeout", options.half_close_timeout);
  section.read("header_timeout", options.header_timeout);
  read_accepted_header(section, options);
  std::uint32_t version = 0;
  section.read("send_proxy_protocol", version);
  options.send_proxy_protocol = static_cast<SendProxyProtocol>(version);
  section.read("tcp_nodelay", options.tcp_nodelay);
  read_whole_seconds(section, "keepalive_idle", options.keepalive_idle);
  read_whole_seconds(section, "keepalive_interval", options.keepalive_interval);
  section.read("keepalive_count", options.keepalive_count);
  section.read("backlog", options.backlog);
  if (section.has("header_timeout") && !options.accept_proxy_protocol) {
    section.warning("header_timeout", "header_timeout has no effect without accept_proxy_protocol");
  }
  const Node* allow = member.value.find("allow");
  if (allow != nullptr && allow->type == Node::Type::array && allow->elements.empty()) {
    section.error(*allow, "allow is empty, which would let nobody in; leave it out for everybody");
  }
  return {options, member.place, &member.value};
}

}  // namespace tandem::config
