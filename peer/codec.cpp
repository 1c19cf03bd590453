#include "peer/codec.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.hpp"
#include "base/text.hpp"

namespace tandem::peer {

namespace {

constexpr std::size_t kHeaderBytes = 6;

// The wire's numbers: never used for anything else once given.
enum class MessageType : std::uint16_t {
  hello = 1,
  chosen = 2,
  leaving = 3,
  active = 4,
  goodbye = 5,
  ping = 6,
  pong = 7,
  view = 8,
};
enum class HelloField : std::uint16_t { protocol = 1, node = 2, version = 3, run = 4 };
enum class RouterField : std::uint16_t { family = 1, id = 2 };
enum class PingField : std::uint16_t { number = 1 };
enum class ViewField : std::uint16_t { backend = 1, overridden = 2 };
enum class BackendField : std::uint16_t {
  cluster = 1,
  backend = 2,
  address = 3,
  up = 4,
  role = 5,
  epoch = 6,
  lag_bytes = 7,
  lag_time = 8,
  refuses_reads = 9,
  reason = 10,
  breaker = 11,
  age = 12,
  promoted = 13,
};
enum class OverrideField : std::uint16_t {
  cluster = 1,
  backend = 2,
  state = 3,
  who = 4,
  reason = 5,
  age = 6,
  lasts = 7
};

/// At most `bytes_max` of it, without a torn UTF-8 character at the end.
std::string_view cut(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) {
    return text;
  }
  std::size_t size = bytes_max;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U) {
    --size;
  }
  return text.substr(0, size);
}

/// Appends things of the form type, length, content.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  /// Returns what end() wants.
  template <class Type>
  std::size_t begin(Type type) {
    std::array<std::byte, kHeaderBytes> header{};
    write_u16(header, static_cast<std::uint16_t>(type));
    out_ += as_text(header);
    return out_.size();
  }
  void end(std::size_t begun) {
    std::array<std::byte, 4> length{};
    write_u32(length, static_cast<std::uint32_t>(out_.size() - begun));
    out_.replace(begun - length.size(), length.size(), as_text(length));
  }
  template <class Type>
  void text(Type type, std::string_view value) {
    if (!value.empty()) {
      const std::size_t begun = begin(type);
      out_ += value;
      end(begun);
    }
  }
  /// In as few bytes as it needs.
  template <class Type>
  void number(Type type, std::uint64_t value) {
    const std::size_t begun = begin(type);
    int shift = 56;
    while (shift > 0 && (value >> shift) == 0) {
      shift -= 8;
    }
    for (; shift >= 0; shift -= 8) {
      out_ += static_cast<char>(static_cast<unsigned char>(value >> shift));
    }
    end(begun);
  }
  template <class Type>
  void number_unless_zero(Type type, std::uint64_t value) {
    if (value != 0) {
      number(type, value);
    }
  }
  template <class Type>
  void duration(Type type, Duration value) {
    number(type, static_cast<std::uint64_t>(std::clamp(value, Duration{0}, kDurationMax).count()));
  }

 private:
  std::string& out_;
};

/// Goes through the fields of one thing. The first fault ends it and stays in error().
class Reader {
 public:
  Reader(std::string_view thing, Bytes content) : thing_(thing), rest_(content) {}

  /// To the next field; false: at the end, or a fault.
  [[nodiscard]] bool next() {
    if (!error_.empty() || rest_.empty()) {
      return false;
    }
    if (rest_.size() < kHeaderBytes || rest_.size() - kHeaderBytes < read_u32(rest_.subspan(2))) {
      return fault("is torn off");
    }
    type_ = read_u16(rest_);
    value_ = rest_.subspan(kHeaderBytes, read_u32(rest_.subspan(2)));
    rest_ = rest_.subspan(kHeaderBytes + value_.size());
    return true;
  }
  template <class Type>
  [[nodiscard]] Type type() const {
    return static_cast<Type>(type_);
  }
  [[nodiscard]] Bytes value() const { return value_; }

  void text(std::string& out, std::size_t bytes_max) {
    if (value_.size() > bytes_max) {
      fault(concat("is longer than ", bytes_max, " bytes"));
      return;
    }
    out = as_text(value_);
  }
  [[nodiscard]] std::uint64_t number(std::uint64_t highest = std::numeric_limits<std::uint64_t>::max()) {
    if (value_.empty() || value_.size() > 8) {
      fault(concat("is a number of ", value_.size(), " bytes"));
      return 0;
    }
    std::uint64_t number = 0;
    for (const std::byte byte : value_) {
      number = number << 8U | std::to_integer<std::uint64_t>(byte);
    }
    if (number > highest) {
      fault(concat("is ", number, ", at most ", highest, " is possible"));
      return 0;
    }
    return number;
  }
  [[nodiscard]] bool truth() { return number(1) == 1; }
  [[nodiscard]] Duration duration() {
    return Duration{static_cast<std::int64_t>(number(static_cast<std::uint64_t>(kDurationMax.count())))};
  }
  void require(bool present, std::string_view name) {
    if (!present && error_.empty()) {
      error_ = concat("malformed ", thing_, ": it has no ", name);
    }
  }
  /// Takes over the fault of a thing within this one.
  void inherit(const Reader& inner) {
    if (error_.empty()) {
      error_ = inner.error_;
    }
  }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  bool fault(std::string_view what) {
    if (error_.empty()) {
      error_ = concat("malformed ", thing_, ": field ", type_, " ", what);
    }
    return false;
  }

  std::string_view thing_;
  Bytes rest_;
  std::uint16_t type_ = 0;
  Bytes value_;
  std::string error_;
};

void write(Writer& writer, const Hello& hello) {
  writer.number(HelloField::protocol, hello.protocol);
  writer.text(HelloField::node, cut(hello.node, kNameBytesMax));
  writer.text(HelloField::version, cut(hello.version, kNameBytesMax));
  writer.number(HelloField::run, hello.run);
}

Hello read_hello(Reader& reader) {
  Hello hello;
  bool has_protocol = false;
  bool has_run = false;
  while (reader.next()) {
    switch (reader.type<HelloField>()) {
      case HelloField::protocol:
        hello.protocol = static_cast<std::uint16_t>(reader.number(std::numeric_limits<std::uint16_t>::max()));
        has_protocol = hello.protocol != 0;
        break;
      case HelloField::node: reader.text(hello.node, kNameBytesMax); break;
      case HelloField::version: reader.text(hello.version, kNameBytesMax); break;
      case HelloField::run:
        hello.run = reader.number();
        has_run = true;
        break;
    }
  }
  reader.require(has_protocol, "protocol");
  reader.require(has_run, "run");
  return hello;
}

void write(Writer& writer, const Router& router) {
  writer.number(RouterField::family, router.family == IpAddress::Family::v4 ? 4 : 6);
  writer.number(RouterField::id, router.id);
}

/// Nothing for a family of addresses that this node does not know.
template <class About>
std::optional<Message> about_router(Reader& reader) {
  std::uint64_t family = 0;
  Router router{IpAddress::Family::v4, 0};
  while (reader.next()) {
    switch (reader.type<RouterField>()) {
      case RouterField::family: family = reader.number(); break;
      case RouterField::id: router.id = static_cast<std::uint8_t>(reader.number(255)); break;
    }
  }
  reader.require(family != 0, "family");
  reader.require(router.id != 0, "id");
  router.family = family == 6 ? IpAddress::Family::v6 : IpAddress::Family::v4;
  return family == 4 || family == 6 ? std::optional<Message>(About{router}) : std::nullopt;
}

std::uint64_t read_number(Reader& reader) {
  std::uint64_t number = 0;
  while (reader.next()) {
    if (reader.type<PingField>() == PingField::number) {
      number = reader.number();
    }
  }
  return number;
}

void write(Writer& writer, const BackendHint& hint) {
  writer.text(BackendField::cluster, hint.cluster);
  writer.text(BackendField::backend, hint.backend);
  writer.text(BackendField::address, hint.address);
  writer.number_unless_zero(BackendField::up, hint.up ? 1 : 0);
  writer.number_unless_zero(BackendField::role, static_cast<std::uint64_t>(hint.role));
  if (hint.epoch) {
    writer.number(BackendField::epoch, *hint.epoch);
  }
  if (hint.lag_bytes) {
    writer.number(BackendField::lag_bytes, *hint.lag_bytes);
  }
  if (hint.lag_time) {
    writer.duration(BackendField::lag_time, *hint.lag_time);
  }
  writer.number_unless_zero(BackendField::refuses_reads, hint.takes_reads ? 0 : 1);
  writer.text(BackendField::reason, cut(hint.reason, kReasonBytesMax));
  writer.text(BackendField::breaker, hint.breaker);
  if (hint.age > Duration{0}) {
    writer.duration(BackendField::age, hint.age);
  }
  if (hint.promoted) {
    writer.duration(BackendField::promoted, *hint.promoted);
  }
}

/// A role that only newer nodes know is none to this one.
Role read_role(Reader& reader) {
  const std::uint64_t role = reader.number();
  static_assert(static_cast<int>(Role::primary) == 1 && static_cast<int>(Role::replica) == 2, "the wire's numbers");
  return role <= 2 ? static_cast<Role>(role) : Role::none;
}

BackendHint read_backend(Reader& reader) {
  BackendHint hint;
  while (reader.next()) {
    switch (reader.type<BackendField>()) {
      case BackendField::cluster: reader.text(hint.cluster, kNameBytesMax); break;
      case BackendField::backend: reader.text(hint.backend, kNameBytesMax); break;
      case BackendField::address: reader.text(hint.address, kNameBytesMax); break;
      case BackendField::up: hint.up = reader.truth(); break;
      case BackendField::role: hint.role = read_role(reader); break;
      case BackendField::epoch: hint.epoch = reader.number(); break;
      case BackendField::lag_bytes: hint.lag_bytes = reader.number(); break;
      case BackendField::lag_time: hint.lag_time = reader.duration(); break;
      case BackendField::refuses_reads: hint.takes_reads = !reader.truth(); break;
      case BackendField::reason: reader.text(hint.reason, kReasonBytesMax); break;
      case BackendField::breaker: reader.text(hint.breaker, kNameBytesMax); break;
      case BackendField::age: hint.age = reader.duration(); break;
      case BackendField::promoted: hint.promoted = reader.duration(); break;
    }
  }
  reader.require(!hint.cluster.empty(), "cluster");
  reader.require(!hint.backend.empty(), "backend");
  return hint;
}

void write(Writer& writer, const OverrideHint& hint) {
  writer.text(OverrideField::cluster, hint.cluster);
  writer.text(OverrideField::backend, hint.backend);
  writer.text(OverrideField::state, hint.state);
  writer.text(OverrideField::who, cut(hint.who, kReasonBytesMax));
  writer.text(OverrideField::reason, cut(hint.reason, kReasonBytesMax));
  if (hint.age > Duration{0}) {
    writer.duration(OverrideField::age, hint.age);
  }
  if (hint.lasts) {
    writer.duration(OverrideField::lasts, *hint.lasts);
  }
}

OverrideHint read_override(Reader& reader) {
  OverrideHint hint;
  while (reader.next()) {
    switch (reader.type<OverrideField>()) {
      case OverrideField::cluster: reader.text(hint.cluster, kNameBytesMax); break;
      case OverrideField::backend: reader.text(hint.backend, kNameBytesMax); break;
      case OverrideField::state: reader.text(hint.state, kNameBytesMax); break;
      case OverrideField::who: reader.text(hint.who, kReasonBytesMax); break;
      case OverrideField::reason: reader.text(hint.reason, kReasonBytesMax); break;
      case OverrideField::age: hint.age = reader.duration(); break;
      case OverrideField::lasts: hint.lasts = reader.duration(); break;
    }
  }
  reader.require(!hint.cluster.empty(), "cluster");
  reader.require(!hint.backend.empty(), "backend");
  return hint;
}

void write(Writer& writer, const View& view) {
  for (const OverrideHint& hint : view.overrides) {
    const std::size_t begun = writer.begin(ViewField::overridden);
    write(writer, hint);
    writer.end(begun);
  }
  for (const BackendHint& hint : view.backends) {
    const std::size_t begun = writer.begin(ViewField::backend);
    write(writer, hint);
    writer.end(begun);
  }
}

View read_view(Reader& reader) {
  View view;  // the frame's size bounds how many there are
  while (reader.next()) {
    if (reader.type<ViewField>() == ViewField::backend) {
      Reader inner("backend", reader.value());
      view.backends.push_back(read_backend(inner));
      reader.inherit(inner);
    } else if (reader.type<ViewField>() == ViewField::overridden) {
      Reader inner("override", reader.value());
      view.overrides.push_back(read_override(inner));
      reader.inherit(inner);
    }
  }
  return view;
}

std::size_t begin_frame(Writer& writer, const Message& message) {
  struct TypeOf {
    MessageType operator()(const Hello&) const { return MessageType::hello; }
    MessageType operator()(const Chosen&) const { return MessageType::chosen; }
    MessageType operator()(const Leaving&) const { return MessageType::leaving; }
    MessageType operator()(const Active&) const { return MessageType::active; }
    MessageType operator()(const Goodbye&) const { return MessageType::goodbye; }
    MessageType operator()(const Ping&) const { return MessageType::ping; }
    MessageType operator()(const Pong&) const { return MessageType::pong; }
    MessageType operator()(const View&) const { return MessageType::view; }
  };
  return writer.begin(std::visit(TypeOf{}, message));
}

struct WriteFields {
  Writer& writer;

  void operator()(const Hello& hello) const { write(writer, hello); }
  void operator()(const Chosen&) const {}
  void operator()(const Leaving& leaving) const { write(writer, leaving.router); }
  void operator()(const Active& active) const { write(writer, active.router); }
  void operator()(const Goodbye&) const {}
  void operator()(const Ping& ping) const { writer.number_unless_zero(PingField::number, ping.number); }
  void operator()(const Pong& pong) const { writer.number_unless_zero(PingField::number, pong.number); }
  void operator()(const View& view) const { write(writer, view); }
};

/// Nothing for what this node does not know.
Result<std::optional<Message>> read_message(std::uint16_t type, Bytes content) {
  static constexpr std::array<std::string_view, 9> kThings = {"",        "hello", "chosen", "leaving", "active",
                                                              "goodbye", "ping",  "pong",   "view"};
  if (type == 0 || type >= kThings.size()) {
    return std::optional<Message>();
  }
  Reader reader(kThings[type], content);
  std::optional<Message> message;
  switch (static_cast<MessageType>(type)) {
    case MessageType::hello: message = read_hello(reader); break;
    case MessageType::leaving: message = about_router<Leaving>(reader); break;
    case MessageType::active: message = about_router<Active>(reader); break;
    case MessageType::ping: message = Ping{read_number(reader)}; break;
    case MessageType::pong: message = Pong{read_number(reader)}; break;
    case MessageType::view: message = read_view(reader); break;
    // their fields, which there are none of yet, are looked at for being whole
    case MessageType::chosen: (void)read_number(reader), message = Chosen{}; break;
    case MessageType::goodbye: (void)read_number(reader), message = Goodbye{}; break;
  }
  if (!reader.error().empty()) {
    return Error{reader.error()};
  }
  return message;
}

bool fits(std::string_view name) { return name.size() <= kNameBytesMax; }

}  // namespace

void encode(const Message& message, std::string& out) {
  Writer writer(out);
  const std::size_t begun = begin_frame(writer, message);
  std::visit(WriteFields{writer}, message);
  writer.end(begun);
  check(out.size() - begun + kHeaderBytes <= kFrameBytesMax, "a message fits into a frame");
}

bool is_sendable(const BackendHint& hint) {
  return !hint.cluster.empty() && !hint.backend.empty() && fits(hint.cluster) && fits(hint.backend) &&
         fits(hint.address) && fits(hint.breaker);
}

bool is_sendable(const OverrideHint& hint) {
  return !hint.cluster.empty() && !hint.backend.empty() && fits(hint.cluster) && fits(hint.backend) && fits(hint.state);
}

std::size_t encoded_size_max(const BackendHint& hint) {
  // its own header, 13 fields', and the numbers of 8
  return kHeaderBytes * 14 + 8 * std::size_t{8} + hint.cluster.size() + hint.backend.size() + hint.address.size() +
         std::min(hint.reason.size(), kReasonBytesMax) + hint.breaker.size();
}

std::size_t encoded_size_max(const OverrideHint& hint) {
  return kHeaderBytes * 8 + 2 * std::size_t{8} + hint.cluster.size() + hint.backend.size() + hint.state.size() +
         std::min(hint.who.size(), kReasonBytesMax) + std::min(hint.reason.size(), kReasonBytesMax);
}

void FrameReader::feed(Bytes bytes) {
  waiting_.erase(0, done_);
  done_ = 0;
  waiting_ += as_text(bytes);
}

Result<std::optional<Message>> FrameReader::next() {
  for (;;) {
    const Bytes rest = as_bytes(waiting_).subspan(done_);
    if (rest.size() < kHeaderBytes) {
      return std::optional<Message>();
    }
    const std::size_t length = read_u32(rest.subspan(2));
    if (length > kFrameBytesMax - kHeaderBytes) {
      return Error{concat("malformed frame of ", length, " bytes, at most ", kFrameBytesMax, " are allowed")};
    }
    if (rest.size() - kHeaderBytes < length) {
      return std::optional<Message>();
    }
    done_ += kHeaderBytes + length;
    Result<std::optional<Message>> message = read_message(read_u16(rest), rest.subspan(kHeaderBytes, length));
    if (!message || *message) {
      return message;
    }
  }
}

}  // namespace tandem::peer
