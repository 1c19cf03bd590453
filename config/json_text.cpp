#include "config/json_text.hpp"

#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>

namespace tandem::config {

namespace {

void write(const boost::json::value& value, std::size_t depth, std::string& out) {
  const auto line = [&](std::size_t level) { out += '\n' + std::string(level * 2, ' '); };
  if (const double* number = value.if_double()) {
    std::array<char, 32> text{};
    out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), *number).ptr);
    return;
  }
  const bool object = value.is_object();
  if ((!object && !value.is_array()) || (object ? value.get_object().empty() : value.get_array().empty())) {
    out += boost::json::serialize(value);
    return;
  }
  out += object ? '{' : '[';
  bool first = true;
  const auto part = [&] {
    out += first ? "" : ",";
    first = false;
    line(depth + 1);
  };
  if (object) {
    for (const auto& member : value.get_object()) {
      part();
      out += boost::json::serialize(boost::json::string(member.key())) + ": ";
      write(member.value(), depth + 1, out);
    }
  } else {
    for (const boost::json::value& element : value.get_array()) {
      part();
      write(element, depth + 1, out);
    }
  }
  line(depth);
  out += object ? '}' : ']';
}

}  // namespace

std::string indented(const boost::json::value& value) {
  std::string out;
  write(value, 0, out);
  return out + '\n';
}

}  // namespace tandem::config
