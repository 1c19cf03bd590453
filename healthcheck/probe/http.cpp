#include "healthcheck/probe/http.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cctype>
#include <vector>

#include "base/text.hpp"
#include "healthcheck/check_options.hpp"
#include "healthcheck/outside_text.hpp"

namespace tandem::healthcheck {

namespace json = boost::json;

namespace {

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char left, char right) {
    return std::tolower(static_cast<unsigned char>(left)) == std::tolower(static_cast<unsigned char>(right));
  });
}

std::string ranges_text(const std::vector<HttpProbeOptions::StatusRange>& ranges) {
  std::vector<std::string> parts;
  parts.reserve(ranges.size());
  for (const auto& range : ranges) {
    parts.push_back(range.first == range.last ? concat(range.first) : concat(range.first, "-", range.last));
  }
  return join(parts, ",");
}

bool status_wanted(const HttpProbeOptions& options, unsigned status) {
  return std::any_of(options.expect_status.begin(), options.expect_status.end(),
                     [status](const auto& range) { return status >= range.first && status <= range.last; });
}

Verdict wrong_status(const HttpProbeOptions& options, unsigned status) {
  return unreachable(concat("HTTP ", status, ", wanted ", ranges_text(options.expect_status)));
}

/// 1 and 1.0 are the same number.
bool equal(const json::value& a, const json::value& b) {
  if (a.is_number() && b.is_number() && (a.is_double() || b.is_double())) {
    boost::system::error_code ignored;
    return a.to_number<double>(ignored) == b.to_number<double>(ignored);
  }
  return a == b;
}

/// Empty when the pointer leads to the value; else the reason.
std::string json_mismatch(const json::value& body, std::string_view pointer, std::string_view wanted_text) {
  boost::system::error_code error;
  const json::value wanted = json::parse(wanted_text, error);
  if (error) {
    return concat("wanted value ", outside_text(wanted_text), " is not JSON");
  }
  const json::value* found = body.find_pointer(pointer, error);
  if (found == nullptr) {
    return concat("JSON ", pointer, " is missing, wanted ", outside_text(wanted_text));
  }
  if (!equal(*found, wanted)) {
    return concat("JSON ", pointer, " is ", outside_text(json::serialize(*found), 60), ", wanted ",
                  outside_text(wanted_text));
  }
  return {};
}

}  // namespace

std::string http_request(const HttpProbeOptions& options, std::string_view host) {
  std::string out = concat(options.method, " ", options.path.empty() ? "/" : options.path, " HTTP/1.1\r\nHost: ", host,
                           "\r\nConnection: close\r\n");
  bool agent = false;
  for (const auto& [name, value] : options.headers) {
    if (same_word(name, "host") || same_word(name, "connection")) {
      continue;
    }
    agent = agent || same_word(name, "user-agent");
    out += concat(name, ": ", value, "\r\n");
  }
  if (!agent) {
    out += "User-Agent: tandem\r\n";
  }
  return out + "\r\n";
}

Verdict judge_http(const HttpProbeOptions& options, const HttpAnswer& answer) {
  if (!status_wanted(options, answer.status)) {
    return wrong_status(options, answer.status);
  }
  if (!options.expect_body.empty() && answer.body.find(options.expect_body) == std::string::npos) {
    return unreachable(concat("HTTP ", answer.status, ", body has no \"", outside_text(options.expect_body), "\""));
  }
  if (!options.expect_json.empty()) {
    boost::system::error_code error;
    const json::value body = json::parse(answer.body, error);
    if (error) {
      return unreachable(concat("HTTP ", answer.status, ", body is not JSON: ", error.message()));
    }
    for (const auto& [pointer, value] : options.expect_json) {
      if (const std::string mismatch = json_mismatch(body, pointer, value); !mismatch.empty()) {
        return unreachable(concat("HTTP ", answer.status, ", ", mismatch));
      }
    }
  }
  Verdict verdict;
  verdict.reachable = true;
  verdict.reason = concat("HTTP ", answer.status);
  return verdict;
}

Result<> check_expect_json(std::string_view pointer, std::string_view value) {
  boost::system::error_code error;
  bool well_formed = pointer.empty() || pointer.front() == '/';
  for (std::size_t at = pointer.find('~'); at != std::string_view::npos; at = pointer.find('~', at + 1)) {
    well_formed = well_formed && at + 1 < pointer.size() && (pointer[at + 1] == '0' || pointer[at + 1] == '1');
  }
  if (!well_formed) {
    return Error{concat("\"", pointer, "\" is not a JSON pointer; write \"\" or \"/name/name\"")};
  }
  (void)json::parse(value, error);
  if (error) {
    return Error{concat("\"", value, "\" is not a JSON value: ", error.message())};
  }
  return {};
}

HttpDialogue::HttpDialogue(const HttpProbeOptions& options, const Endpoint& address)
    : options_(options),
      request_(http_request(options, options.host.empty() ? to_string(address) : options.host)),
      reader_(options.method == "HEAD" ? HttpAnswerReader::Body::none : HttpAnswerReader::Body::expected) {}

std::optional<Verdict> HttpDialogue::on_bytes(Bytes bytes) {
  if (const Result<> read = reader_.on_bytes(bytes); !read) {
    return unreachable(read.error().text);
  }
  if (reader_.complete()) {
    return judge_http(options_, reader_.take());
  }
  if (reader_.has_head() && !status_wanted(options_, reader_.status())) {
    return wrong_status(options_, reader_.status());
  }
  return std::nullopt;
}

Verdict HttpDialogue::on_end() {
  if (const Result<> read = reader_.on_end(); !read) {
    return unreachable(read.error().text);
  }
  return judge_http(options_, reader_.take());
}

}  // namespace tandem::healthcheck
