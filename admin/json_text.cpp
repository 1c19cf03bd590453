#include "admin/json_text.hpp"

#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>

namespace tandem::admin {

namespace {

namespace json = boost::json;

class Writer {
 public:
  explicit Writer(Layout layout) : layout_(layout) {}

  void write(const json::value& value) {
    switch (value.kind()) {
      case json::kind::object: write_object(value.get_object()); break;
      case json::kind::array: write_array(value.get_array()); break;
      case json::kind::double_: write_number(value.get_double()); break;
      default: out_ += json::serialize(value);
    }
  }

  std::string take() {
    if (layout_ == Layout::indented) {
      out_ += '\n';
    }
    return std::move(out_);
  }

 private:
  void write_number(double number) {
    if (!std::isfinite(number)) {
      out_ += "null";
      return;
    }
    std::array<char, 400> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::fixed).ptr;
    out_.append(buffer.data(), end);
  }

  void write_object(const json::object& object) {
    if (object.empty()) {
      out_ += "{}";
      return;
    }
    out_ += '{';
    ++depth_;
    bool first = true;
    for (const json::key_value_pair& member : object) {
      separate(first);
      out_ += json::serialize(json::string_view(member.key()));
      out_ += layout_ == Layout::indented ? ": " : ":";
      write(member.value());
    }
    end('}');
  }

  void write_array(const json::array& array) {
    if (array.empty()) {
      out_ += "[]";
      return;
    }
    out_ += '[';
    ++depth_;
    bool first = true;
    for (const json::value& item : array) {
      separate(first);
      write(item);
    }
    end(']');
  }

  void separate(bool& first) {
    out_ += first ? "" : ",";
    first = false;
    new_line();
  }

  void end(char bracket) {
    --depth_;
    new_line();
    out_ += bracket;
  }

  void new_line() {
    if (layout_ == Layout::indented) {
      out_ += '\n';
      out_.append(depth_ * 2, ' ');
    }
  }

  Layout layout_;
  std::string out_;
  std::size_t depth_ = 0;
};

}  // namespace

std::string json_text(const json::value& value, Layout layout) {
  Writer writer(layout);
  writer.write(value);
  return writer.take();
}

}  // namespace tandem::admin
