#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace tandem::admin {

using namespace std::chrono_literals;

/// Where a running node answers.
struct ClientOptions {
  std::string address;     // "/run/tandem/admin.sock" or "http://127.0.0.1:8404"
  std::string token_file;  // for commands over http://; empty: none
  Duration timeout = 30s;  // of the whole exchange
};

struct ClientRequest {
  std::string method = "GET";
  std::string target;  // "/api/v1/status"; names in it percent_encoded()
  std::string accept;  // empty: anything
  std::string body;    // JSON
};

struct ClientResponse {
  unsigned status = 0;
  std::string content_type;
  std::string body;
};

/// Asks a running node and waits for the answer, whatever its status. The error says that none answers, where and why.
Result<ClientResponse> ask(const ClientOptions& options, const ClientRequest& request);

/// For one segment of a path.
[[nodiscard]] std::string percent_encoded(std::string_view text);

/// What an answer says to people: its `error`, its `lines` one per line, else its body.
[[nodiscard]] std::string message(const ClientResponse& response);

}  // namespace tandem::admin
