#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.hpp"
#include "config/draft.hpp"
#include "config/section.hpp"

namespace tandem::config {

namespace {

using healthcheck::ExecProbeOptions;
using healthcheck::HttpProbeOptions;
using healthcheck::PatroniProbeOptions;
using healthcheck::ProbeOptions;
using healthcheck::TcpProbeOptions;
using healthcheck::TlsOptions;
using StatusRange = HttpProbeOptions::StatusRange;

enum class Kind { unknown, tcp, http, patroni, exec };

bool has_line_break(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos; }

/// The characters of a token of RFC 9110 section 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && text.find_first_not_of(
                              "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz") == std::string_view::npos;
}

std::optional<TlsOptions> read_tls(Section& probe) {
  const Node* value = probe.value("tls");
  if (value == nullptr || (value->type == Node::Type::boolean && !value->boolean)) {
    return std::nullopt;
  }
  TlsOptions options;
  if (value->type == Node::Type::boolean) {
    return options;
  }
  if (value->type != Node::Type::table) {
    probe.wrong_type("tls", *value);
    return std::nullopt;
  }
  Section section(*value, value->place, schema::tls(), concat("tls of ", probe.title()),
                  concat(probe.subject(), ": tls"), probe.problems());
  section.read("verify", options.verify);
  section.read("server_name", options.server_name);
  section.read("ca_file", options.ca_file);
  section.read("cert_file", options.cert_file);
  section.read("key_file", options.key_file);
  if (section.has("cert_file") != section.has("key_file")) {
    section.error(section.has("cert_file") ? "cert_file" : "key_file", "cert_file and key_file go together");
  }
  if (!options.verify && section.has("ca_file")) {
    section.warning("ca_file", "ca_file has no effect with verify = false");
  }
  return options;
}

std::optional<StatusRange> status_range(std::int64_t first, std::int64_t last) {
  if (first < 100 || last > 599 || first > last) {
    return std::nullopt;
  }
  return StatusRange{static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
}

std::optional<StatusRange> parse_status_range(std::string_view text) {
  std::array<std::int64_t, 2> ends{};
  const auto dash = text.find('-');
  const std::array<std::string_view, 2> parts{text.substr(0, dash),
                                              dash == std::string_view::npos ? text : text.substr(dash + 1)};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const char* const end = parts[i].data() + parts[i].size();
    const auto parsed = std::from_chars(parts[i].data(), end, ends[i]);
    if (parts[i].size() != 3 || parsed.ec != std::errc{} || parsed.ptr != end) {
      return std::nullopt;
    }
  }
  return status_range(ends[0], ends[1]);
}

void read_status(Section& section, const Node& value, std::vector<StatusRange>& out) {
  std::optional<StatusRange> range;
  if (value.type == Node::Type::string && !value.unusable) {
    range = parse_status_range(value.text);
  } else if (value.type == Node::Type::integer) {
    range = status_range(value.integer, value.integer);
  } else if (value.type != Node::Type::string) {
    section.wrong_type("expect_status", value);
    return;
  }
  if (range) {
    out.push_back(*range);
  } else if (!value.unusable) {
    const std::string shown = value.type == Node::Type::string ? quoted(value) : std::to_string(value.integer);
    section.error(value, concat("expect_status ", shown, " is not a status (100 to 599) or a range like \"200-299\""));
  }
}

void read_statuses(Section& section, std::vector<StatusRange>& out) {
  const Node* value = section.value("expect_status");
  if (value == nullptr) {
    return;
  }
  out.clear();
  if (value->type != Node::Type::array) {
    read_status(section, *value, out);
    return;
  }
  if (value->elements.empty()) {
    section.error(*value, "expect_status is empty, so no answer is good");
  }
  for (const Node& element : value->elements) {
    read_status(section, element, out);
  }
}

/// A string as JSON text.
std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      constexpr std::string_view digits = "0123456789abcdef";
      out += concat("\\u00", digits[byte >> 4U], digits[byte & 15U]);
    } else {
      out += c;
    }
  }
  return out + '"';
}

void read_expected_json(Section& section, std::vector<std::pair<std::string, std::string>>& out) {
  const Node* value = section.value("expect_json");
  if (value == nullptr) {
    return;
  }
  if (value->type != Node::Type::table) {
    section.wrong_type("expect_json", *value);
    return;
  }
  for (const Member& member : value->members) {
    if (!member.key.empty() && member.key[0] != '/') {
      section.problems().error(member.place, concat(section.subject(), ": expect_json: \"", member.key,
                                                    "\" is not a JSON pointer; write \"/", member.key, "\""));
    }
    switch (member.value.type) {
      case Node::Type::string: out.emplace_back(member.key, json_string(member.value.text)); break;
      case Node::Type::integer: out.emplace_back(member.key, std::to_string(member.value.integer)); break;
      case Node::Type::boolean: out.emplace_back(member.key, member.value.boolean ? "true" : "false"); break;
      case Node::Type::floating: out.emplace_back(member.key, member.value.text); break;
      default:
        section.error(member.value, concat("expect_json: \"", member.key, "\" is ", with_article(member.value.type),
                                           ", wanted a string, a number or a boolean"));
    }
  }
}

/// Headers that the probe sends itself.
bool is_own_header(std::string_view name) {
  constexpr std::array<std::string_view, 4> own{"host", "connection", "content-length", "transfer-encoding"};
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return std::find(own.begin(), own.end(), lower) != own.end();
}

HttpProbeOptions read_http(Section& section) {
  HttpProbeOptions options;
  section.read("method", options.method);
  section.read("path", options.path);
  section.read("host", options.host);
  section.read("headers", options.headers);
  read_statuses(section, options.expect_status);
  section.read("expect_body", options.expect_body);
  read_expected_json(section, options.expect_json);
  options.tls = read_tls(section);
  if (!is_token(options.method)) {
    section.error("method", "method is not an HTTP method");
  }
  if (!options.path.starts_with('/') || options.path.find_first_of(" \t") != std::string::npos ||
      has_line_break(options.path)) {
    section.error("path", "path must begin with \"/\" and hold no spaces");
  }
  if (has_line_break(options.host)) {
    section.error("host", "host holds a line break");
  }
  for (const auto& [name, value] : options.headers) {
    if (!is_token(name) || has_line_break(value)) {
      section.error("headers",
                    concat("headers: \"", name, "\" is no name of a header, or its value holds a line break"));
    }
    if (is_own_header(name)) {
      section.error("headers", concat("headers: \"", name, "\" is set by the probe itself; for Host there is the key ",
                                      "\"host\""));
    }
  }
  return options;
}

TcpProbeOptions read_tcp(Section& section) {
  TcpProbeOptions options;
  section.read("send", options.send);
  section.read("expect", options.expect);
  return options;
}

ExecProbeOptions read_exec(Section& section) {
  ExecProbeOptions options;
  section.read("command", options.command);
  section.read("environment", options.environment);
  if (options.command.empty() || !options.command.front().starts_with('/')) {
    const Node* given = section.value("command");
    if (!section.has("command") || (given != nullptr && given->type == Node::Type::array)) {
      section.error("command", "command must begin with the absolute path of a program, like [\"/usr/bin/check\"]");
    }
  }
  for (const std::string& part : options.command) {
    if (part.find('\0') != std::string::npos) {
      section.error("command", "command holds a zero byte");
    }
  }
  for (const auto& [name, value] : options.environment) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos ||
        value.find('\0') != std::string::npos) {
      section.error("environment", "environment: a name must not be empty or hold \"=\", and nothing a zero byte");
    }
  }
  return options;
}

/// Keys of other types of probe are errors, and count as read.
void refuse_foreign_keys(Section& section, std::string_view type) {
  for (const schema::Key& key : schema::probe().keys) {
    const std::vector<std::string_view> types = words_of(key.probes);
    if (types.empty() || std::find(types.begin(), types.end(), type) != types.end()) {
      continue;
    }
    if (section.value(key.name) != nullptr) {
      section.error(key.name,
                    concat(key.name, " is for probes of type ", listed(types), "; this one is of type ", type));
    }
  }
}

void check_times(Section& section, const ProbeOptions& options) {
  if (section.has("timeout") && options.timeout > options.interval) {
    section.warning("timeout", concat("timeout ", to_string(options.timeout), " is longer than the interval ",
                                      to_string(options.interval), "; a slow backend is probed less often"));
  }
  if (section.has("fast_interval") && options.fast_interval > options.interval) {
    section.warning("fast_interval", concat("fast_interval ", to_string(options.fast_interval),
                                            " is longer than the interval ", to_string(options.interval)));
  }
}

}  // namespace

std::optional<ProbeOptions> read_probe(const Node& table, Place place, std::string_view cluster, Problems& problems) {
  Section section(table, place, schema::probe(), concat("[cluster.", cluster, ".probe]"),
                  concat("cluster \"", cluster, "\": probe"), problems);
  Kind kind = Kind::unknown;
  section.read<Kind>("type", kind,
                     {{"tcp", Kind::tcp}, {"http", Kind::http}, {"patroni", Kind::patroni}, {"exec", Kind::exec}});
  ProbeOptions options;
  section.read("interval", options.interval);
  section.read("fast_interval", options.fast_interval);
  section.read("timeout", options.timeout);
  section.read("rise", options.rise);
  section.read("fall", options.fall);
  std::uint32_t port = 0;
  section.read("port", port);
  if (port != 0) {
    options.port = static_cast<std::uint16_t>(port);
  }
  if (!section.has("fast_interval")) {
    options.fast_interval = std::min(options.fast_interval, options.interval);
  }
  check_times(section, options);
  switch (kind) {
    case Kind::unknown: section.skip_the_rest(); return std::nullopt;
    case Kind::tcp: options.kind = read_tcp(section); break;
    case Kind::http: options.kind = read_http(section); break;
    case Kind::patroni: options.kind = PatroniProbeOptions{read_tls(section)}; break;
    case Kind::exec: options.kind = read_exec(section); break;
  }
  constexpr std::array<std::string_view, 5> names{"", "tcp", "http", "patroni", "exec"};
  refuse_foreign_keys(section, names[static_cast<std::size_t>(kind)]);
  return options;
}

}  // namespace tandem::config
