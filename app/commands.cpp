#include "app/commands.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "admin/client.hpp"
#include "base/text.hpp"

namespace tandem::app {

namespace {

using namespace std::chrono_literals;

admin::ClientOptions client_options(const NodeAddress& node) {
  admin::ClientOptions options;
  options.address = node.admin;
  options.token_file = node.token_file;
  return options;
}

bool wants_colour() { return isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr; }

int fail(std::string_view why) {
  std::cerr << "tandem: " << why << '\n';
  return 1;
}

Result<std::string> fetch_status(const NodeAddress& node, StatusFormat format) {
  admin::ClientRequest request;
  request.target = "/api/v1/status";
  if (format == StatusFormat::text) {
    request.accept = "text/plain";
    request.target += wants_colour() ? "?colour=always" : "?colour=never";
  }
  const auto response = admin::ask(client_options(node), request);
  if (!response) {
    return response.error();
  }
  if (response->status != 200) {
    return Error{admin::message(*response)};
  }
  return response->body;
}

int order(const NodeAddress& node, const std::string& target, const std::string& body) {
  admin::ClientRequest request;
  request.method = "POST";
  request.target = target;
  request.body = body;
  const auto response = admin::ask(client_options(node), request);
  if (!response) {
    return fail(response.error().text);
  }
  if (response->status != 200) {
    return fail(admin::message(*response));
  }
  std::cout << admin::message(*response) << '\n';
  return 0;
}

int hand_over(const NodeAddress& node, const std::string& instance) {
  return order(node, concat("/api/v1/vrrp/", admin::percent_encoded(instance), "/handover"), "{}");
}

/// A member that is text; empty where it is null or missing.
std::string text_of(const boost::json::object& object, std::string_view key) {
  const boost::json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

/// The virtual routers that this node is active for, one of each sync group, which goes as a whole. The error says why
/// there is none.
Result<std::vector<std::string>> active_instances(std::string_view status) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(status, error);
  const boost::json::value* routers = parsed.is_object() ? parsed.get_object().if_contains("vrrp") : nullptr;
  if (error || routers == nullptr || !routers->is_array()) {
    return Error{"the node's status does not tell its virtual routers; is it an older version?"};
  }
  std::vector<std::string> active;
  std::vector<std::string> others;
  std::set<std::string> groups;
  for (const boost::json::value& value : routers->get_array()) {
    if (!value.is_object()) {
      continue;
    }
    const boost::json::object& router = value.get_object();
    const std::string group = text_of(router, "sync_group");
    if (text_of(router, "state") != "active") {
      others.push_back(concat(text_of(router, "name"), " is ", text_of(router, "state")));
    } else if (group.empty() || groups.insert(group).second) {
      active.push_back(text_of(router, "name"));
    }
  }
  if (!active.empty()) {
    return active;
  }
  return Error{others.empty() ? std::string("nothing to hand over: the node's file has no [[vrrp]]")
                              : concat("nothing to hand over: ", join(others))};
}

}  // namespace

int print_status(const NodeAddress& node, StatusFormat format) {
  const auto status = fetch_status(node, format);
  if (!status) {
    return fail(status.error().text);
  }
  std::cout << *status;
  if (!status->ends_with('\n')) {
    std::cout << '\n';
  }
  return 0;
}

int watch_status(const NodeAddress& node, std::optional<unsigned> rounds) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  for (unsigned round = 0; !rounds || round < *rounds; ++round) {
    if (round > 0) {
      std::this_thread::sleep_for(1s);
    }
    const auto status = fetch_status(node, StatusFormat::text);
    if (!status) {
      return fail(status.error().text);
    }
    if (terminal) {
      std::cout << "\033[H\033[2J";  // home, clear
    }
    std::cout << *status << std::flush;
    if (!std::cout) {
      return 0;  // whoever read us has gone
    }
  }
  return 0;
}

int order_backend(const NodeAddress& node, const BackendCommand& command) {
  const auto slash = command.target.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == command.target.size()) {
    std::cerr << "tandem: \"" << command.target << "\" is not CLUSTER/BACKEND\n";
    return 2;
  }
  boost::json::object body;
  if (!command.lasts.empty()) {
    if (const auto duration = parse_duration(command.lasts); !duration) {
      std::cerr << "tandem: --for: " << duration.error().text << '\n';
      return 2;
    }
    body["for"] = command.lasts;
  }
  if (!command.reason.empty()) {
    body["reason"] = command.reason;
  }
  return order(node,
               concat("/api/v1/clusters/", admin::percent_encoded(command.target.substr(0, slash)), "/backends/",
                      admin::percent_encoded(command.target.substr(slash + 1)), "/", command.verb),
               boost::json::serialize(body));
}

int order_reload(const NodeAddress& node) { return order(node, "/api/v1/reload", "{}"); }

int order_handover(const NodeAddress& node, const std::string& instance) {
  if (!instance.empty()) {
    return hand_over(node, instance);
  }
  const auto status = fetch_status(node, StatusFormat::json);
  if (!status) {
    return fail(status.error().text);
  }
  const auto active = active_instances(*status);
  if (!active) {
    return fail(active.error().text);
  }
  int worst = 0;
  for (const std::string& name : *active) {
    worst = std::max(worst, hand_over(node, name));
  }
  return worst;
}

}  // namespace tandem::app
