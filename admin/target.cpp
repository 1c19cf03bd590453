#include "admin/target.hpp"

#include <algorithm>
#include <optional>

#include "admin/printable.hpp"
#include "base/text.hpp"

namespace tandem::admin {

namespace {

constexpr std::string_view kScheme = "http://";

std::optional<unsigned> hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') {
    return static_cast<unsigned>(digit - '0');
  }
  if (digit >= 'a' && digit <= 'f') {
    return static_cast<unsigned>(digit - 'a' + 10);
  }
  if (digit >= 'A' && digit <= 'F') {
    return static_cast<unsigned>(digit - 'A' + 10);
  }
  return std::nullopt;
}

/// Percent-decoded (RFC 3986 section 2.1).
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    if (at + 2 >= text.size()) {
      return std::nullopt;
    }
    const auto high = hex_digit(text[at + 1]);
    const auto low = hex_digit(text[at + 2]);
    if (!high || !low) {
      return std::nullopt;
    }
    out += static_cast<char>(*high << 4U | *low);
    at += 2;
  }
  return out;
}

std::string_view cut(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return part;
}

bool take_parameters(Target& target, std::string_view text) {
  while (!text.empty()) {
    std::string_view value = cut(text, '&');
    const auto name = decoded(cut(value, '='));
    const auto meaning = decoded(value);
    if (!name || !meaning) {
      return false;
    }
    target.parameters.emplace_back(*name, *meaning);
  }
  return true;
}

bool take_path(Target& target, std::string_view text) {
  text.remove_prefix(1);
  target.path = "/";
  while (!text.empty()) {
    const bool more = text.find('/') != std::string_view::npos;
    const auto segment = decoded(cut(text, '/'));
    if (!segment) {
      return false;
    }
    target.path += *segment + (more ? "/" : "");
    target.segments.push_back(*segment);
    if (more && text.empty()) {
      target.segments.emplace_back();  // a slash at the end
    }
  }
  return true;
}

}  // namespace

std::string Target::query(std::string_view name) const {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [&](const auto& parameter) { return parameter.first == name; });
  return found == parameters.end() ? std::string() : found->second;
}

Result<Target> parse_target(std::string_view text) {
  const std::string_view whole = text;
  Target target;
  if (lower_case(text.substr(0, kScheme.size())) == kScheme) {
    text.remove_prefix(kScheme.size());
    const auto end = std::min(text.find_first_of("/?"), text.size());
    target.host = text.substr(0, end);
    text.remove_prefix(end);
    if (target.host.empty()) {
      return Error{concat("malformed target \"", printable(whole), "\"")};
    }
    if (text.empty()) {
      text = "/";
    }
  }
  text = cut(text, '#');
  std::string_view query = text;
  const std::string_view path = cut(query, '?');
  if (path.empty() || path.front() != '/' || !take_path(target, path) || !take_parameters(target, query)) {
    return Error{concat("malformed target \"", printable(whole), "\"")};
  }
  return target;
}

std::string host_name(std::string_view host) {
  std::string name = lower_case(host);
  const auto is_port = [](std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char digit) { return digit >= '0' && digit <= '9'; });
  };
  std::size_t end = name.find(':');
  if (name.starts_with('[')) {
    const auto bracket = name.find(']');
    if (bracket == std::string::npos) {
      return {};
    }
    end = bracket + 1;
  }
  end = std::min(end, name.size());
  const std::string_view rest = std::string_view(name).substr(end);
  if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) {
    return {};
  }
  name.resize(end);
  if (name.ends_with('.')) {
    name.pop_back();
  }
  return name;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

}  // namespace tandem::admin
