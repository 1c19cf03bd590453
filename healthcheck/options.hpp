#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"

namespace tandem::healthcheck {

using namespace std::chrono_literals;

/// How a probe speaks TLS.
struct TlsOptions {
  bool verify = true;       // chain and name
  std::string server_name;  // SNI and the name to verify; empty: the probe's host, else the backend's address
  std::string ca_file;      // PEM; empty: the system's
  std::string cert_file;    // PEM; client certificate, with key_file
  std::string key_file;

  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

/// `type = "tcp"`: connects; then sends `send` and wants `expect` in the answer, where given.
struct TcpProbeOptions {
  std::string send;
  std::string expect;

  friend bool operator==(const TcpProbeOptions&, const TcpProbeOptions&) = default;
};

/// `type = "http"`: one HTTP/1.1 request; every expectation that is given must hold.
struct HttpProbeOptions {
  struct StatusRange {
    std::uint16_t first = 200;
    std::uint16_t last = 299;

    friend bool operator==(const StatusRange&, const StatusRange&) = default;
  };

  std::string method = "GET";
  std::string path = "/";
  std::string host;  // Host header; empty: the backend's address
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<StatusRange> expect_status{{200, 299}};
  std::string expect_body;  // somewhere in the body; empty: anything
  std::vector<std::pair<std::string, std::string>>
      expect_json;  // JSON pointer = value, as JSON text ("\"ok\"", "3", "true")
  std::optional<TlsOptions> tls;

  friend bool operator==(const HttpProbeOptions&, const HttpProbeOptions&) = default;
};

/// `type = "patroni"`: role, timeline and lag from Patroni's REST API, default port 8008.
struct PatroniProbeOptions {
  std::optional<TlsOptions> tls;

  friend bool operator==(const PatroniProbeOptions&, const PatroniProbeOptions&) = default;
};

/// `type = "exec"`: runs a program; exit status 0 is reachable. Its environment is documented in docs/config.md.
struct ExecProbeOptions {
  std::vector<std::string> command;  // absolute path and arguments
  std::vector<std::pair<std::string, std::string>> environment;

  friend bool operator==(const ExecProbeOptions&, const ExecProbeOptions&) = default;
};

/// How a cluster's backends are probed.
struct ProbeOptions {
  std::variant<TcpProbeOptions, HttpProbeOptions, PatroniProbeOptions, ExecProbeOptions> kind;
  std::optional<std::uint16_t> port;  // default: the backend's own; Patroni: 8008
  Duration interval = 1s;
  Duration fast_interval = 250ms;  // while a verdict is in transition
  Duration timeout = 1s;           // connect and answer together
  std::uint32_t rise = 2;
  std::uint32_t fall = 3;

  friend bool operator==(const ProbeOptions&, const ProbeOptions&) = default;
};

}  // namespace tandem::healthcheck
