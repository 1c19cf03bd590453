#include "peer/codec.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/random.hpp"
#include "base/text.hpp"

namespace tandem::peer {
namespace {

using namespace std::chrono_literals;

std::string bytes(std::string_view hex) {
  std::string out;
  unsigned value = 0;
  int digits = 0;
  for (const char c : hex) {
    if (c == ' ') {
      continue;
    }
    value = value << 4U | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    if (++digits % 2 == 0) {
      out += static_cast<char>(value & 0xffU);
    }
  }
  return out;
}

std::string hex(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto value = static_cast<unsigned char>(c);
    out += kDigits[value >> 4U];
    out += kDigits[value & 15U];
  }
  return out;
}

std::string encoded(const Message& message) {
  std::string out;
  encode(message, out);
  return out;
}

struct Outcome {
  std::vector<Message> messages;
  std::string error;
};

/// Fed in pieces of `piece` bytes.
Outcome decoded(std::string_view stream, std::size_t piece = std::string_view::npos) {
  Outcome outcome;
  FrameReader reader;
  while (!stream.empty()) {
    const std::string_view now = stream.substr(0, piece);
    stream.remove_prefix(now.size());
    reader.feed(as_bytes(now));
    for (;;) {
      auto message = reader.next();
      if (!message) {
        outcome.error = message.error().text;
        return outcome;
      }
      if (!*message) {
        break;
      }
      outcome.messages.push_back(std::move(**message));
    }
  }
  return outcome;
}

View whole_view() {
  BackendHint primary;
  primary.cluster = "orders";
  primary.backend = "pg-0";
  primary.address = "10.0.1.10:5432";
  primary.up = true;
  primary.role = Role::primary;
  primary.epoch = 0;
  primary.lag_bytes = std::numeric_limits<std::uint64_t>::max();
  primary.lag_time = 250ms;
  primary.takes_reads = false;
  primary.reason = "timeline 7";
  primary.breaker = "half_open";
  primary.age = 1234567890ns;
  primary.promoted = 0ns;
  BackendHint bare;
  bare.cluster = "web";
  bare.backend = "web-1";
  OverrideHint drained;
  drained.cluster = "orders";
  drained.backend = "pg-1";
  drained.state = "drain";
  drained.who = "anna";
  drained.reason = "kernel";
  drained.age = 3s;
  drained.lasts = 10min;
  View view;
  view.backends = {primary, bare};
  view.overrides = {drained};
  return view;
}

const std::vector<Message>& all_messages() {
  static const std::vector<Message> all = {
      Hello{1, "lb-a", "0.1.0", 0x0123456789abcdefU},
      Hello{65535, "", "", 0},
      Chosen{},
      Leaving{{IpAddress::Family::v4, 51}},
      Active{{IpAddress::Family::v6, 255}},
      Goodbye{},
      Ping{0},
      Pong{256},
      whole_view(),
      View{},
  };
  return all;
}

}  // namespace

TEST_SUITE("peer/codec") {
  TEST_CASE("the wire looks as it was agreed") {
    // the golden bytes of protocol 1: they must never change
    CHECK(hex(encoded(Hello{1, "a", "0.1", 0x0102})) ==
          "0001"
          "0000001f"
          "0001000000"
          "0101"
          "00020000000161"
          "000300000003302e31"
          "0004000000020102");
    CHECK(hex(encoded(Chosen{})) == "000200000000");
    CHECK(hex(encoded(Leaving{{IpAddress::Family::v4, 51}})) ==
          "00030000000e"
          "00010000000104"
          "00020000000133");
    CHECK(hex(encoded(Active{{IpAddress::Family::v6, 7}})) ==
          "00040000000e"
          "00010000000106"
          "00020000000107");
    CHECK(hex(encoded(Goodbye{})) == "000500000000");
    CHECK(hex(encoded(Ping{1})) ==
          "000600000007"
          "00010000000101");
    CHECK(hex(encoded(Pong{300})) ==
          "000700000008"
          "000100000002012c");
    BackendHint hint;
    hint.cluster = "c";
    hint.backend = "b";
    hint.up = true;
    hint.role = Role::replica;
    View view;
    view.backends.push_back(hint);
    CHECK(hex(encoded(view)) ==
          "000800000022"
          "00010000001c"
          "00010000000163"
          "00020000000162"
          "00040000000101"
          "00050000000102");
  }

  TEST_CASE("every message is read as it was written whole and in pieces of any size") {
    std::string stream;
    for (const Message& message : all_messages()) {
      stream += encoded(message);
    }
    for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{64}, stream.size()}) {
      CAPTURE(piece);
      const Outcome outcome = decoded(stream, piece);
      CHECK(outcome.error.empty());
      CHECK((outcome.messages == all_messages()));
    }
  }

  TEST_CASE("a torn message is waited for") {
    for (const Message& message : all_messages()) {
      const std::string frame = encoded(message);
      for (std::size_t size = 0; size < frame.size(); ++size) {
        const Outcome outcome = decoded(std::string_view(frame).substr(0, size));
        CHECK(outcome.messages.empty());
        CHECK(outcome.error.empty());
      }
    }
  }

  TEST_CASE("what only a newer node knows is passed over") {
    struct Case {
      std::string_view name;
      std::string_view stream;
      Message understood;
    };
    const Ping ping{1};
    const std::vector<Case> cases = {
        {"a message", "0384 00000003 616263  0006 00000007 00010000000101", ping},
        {"an empty message", "ffff 00000000  0006 00000007 00010000000101", ping},
        {"a field in front", "0006 0000000f 0100 00000002 ffff 00010000000101", ping},
        {"a field behind", "0006 0000000f 00010000000101 0100 00000002 ffff", ping},
        {"a field in a message without any", "0005 00000008 0009 00000002 ffff", Goodbye{}},
        {"a router of another family", "0003 0000000e 0001 00000001 0a 0002 00000001 01  0006 00000007 00010000000101",
         ping},
    };
    for (const Case& one : cases) {
      CAPTURE(one.name);
      const Outcome outcome = decoded(bytes(one.stream));
      CHECK(outcome.error.empty());
      CHECK((outcome.messages == std::vector<Message>{one.understood}));
    }
  }

  TEST_CASE("fields that only a newer node knows are passed over in hints too") {
    const Outcome whole = decoded(
        bytes("0008 00000032"
              "0001 00000023  0001 00000001 63  0002 00000001 62  0005 00000001 63  0063 00000001 78  0004 00000001 01"
              "0003 00000003 616263"));

    REQUIRE(whole.error == "");
    REQUIRE(whole.messages.size() == 1);
    const View& view = std::get<View>(whole.messages[0]);
    REQUIRE(view.backends.size() == 1);
    CHECK(view.backends[0].role == Role::none);  // role 99
    CHECK(view.backends[0].up);
  }

  TEST_CASE("what is malformed is named") {
    struct Case {
      std::string_view stream;
      std::string_view error;
    };
    const std::vector<Case> cases = {
        {"0006 0003fffb", "malformed frame of 262139 bytes, at most 262144 are allowed"},
        {"0384 ffffffff", "malformed frame of 4294967295 bytes, at most 262144 are allowed"},
        {"0006 00000003 000100", "malformed ping: field 0 is torn off"},
        {"0006 00000006 0001 00000001", "malformed ping: field 0 is torn off"},
        {"0006 00000006 0001 00000000", "malformed ping: field 1 is a number of 0 bytes"},
        {"0006 0000000f 0001 00000009 010101010101010101", "malformed ping: field 1 is a number of 9 bytes"},
        {"0005 00000001 00", "malformed goodbye: field 0 is torn off"},
        {"0001 00000000", "malformed hello: it has no protocol"},
        {"0001 00000007 0001 00000001 00", "malformed hello: it has no protocol"},
        {"0001 00000007 0001 00000001 01", "malformed hello: it has no run"},
        {"0001 00000009 0001 00000003 010000", "malformed hello: field 1 is 65536, at most 65535 is possible"},
        {"0003 00000007 0001 00000001 04", "malformed leaving: it has no id"},
        {"0003 00000007 0002 00000001 04", "malformed leaving: it has no family"},
        {"0004 0000000f 0001 00000001 04 0002 00000002 0100",
         "malformed active: field 2 is 256, at most 255 is possible"},
        {"0008 00000006 0001 00000000", "malformed backend: it has no cluster"},
        {"0008 0000000d 0001 00000007 0001 00000001 63", "malformed backend: it has no backend"},
        {"0008 00000006 0002 00000000", "malformed override: it has no cluster"},
        {"0008 0000000d 0001 00000007 0004 00000001 02", "malformed backend: field 4 is 2, at most 1 is possible"},
        {"0008 00000014 0001 0000000e 000c 00000008 7fffffffffffffff",
         "malformed backend: field 12 is 9223372036854775807, at most 315360000000000000 is possible"},
    };
    for (const Case& one : cases) {
      CAPTURE(one.stream);
      const Outcome outcome = decoded(bytes(one.stream));
      CHECK(outcome.messages.empty());
      CHECK(outcome.error == one.error);
      CHECK(decoded(bytes(one.stream), 1).error == one.error);
    }
  }

  TEST_CASE("a name that is too long is malformed") {
    std::string frame = bytes("0001 00000000 0002 00000201") + std::string(513, 'n');
    frame[4] = static_cast<char>((frame.size() - 6) >> 8U);
    frame[5] = static_cast<char>((frame.size() - 6) & 0xffU);
    CHECK(decoded(frame).error == "malformed hello: field 2 is longer than 512 bytes");
  }

  TEST_CASE("what is too long to say is cut at a character") {
    BackendHint hint;
    hint.cluster = "c";
    hint.backend = "b";
    hint.reason = std::string(2047, 'x') + "\xc3\xa4";  // the ä would begin at the last byte allowed
    hint.age = 24h * 365 * 200;
    hint.promoted = -1s;
    View view;
    view.backends.push_back(hint);

    const Outcome outcome = decoded(encoded(view));

    REQUIRE(outcome.messages.size() == 1);
    const BackendHint& read = std::get<View>(outcome.messages[0]).backends.at(0);
    CHECK(read.reason == std::string(2047, 'x'));
    CHECK(read.age == kDurationMax);
    CHECK(read.promoted == Duration{0});
  }

  TEST_CASE("a hint takes no more than was reckoned with") {
    BackendHint hint = whole_view().backends[0];
    hint.age = kDurationMax;
    hint.promoted = kDurationMax;
    hint.lag_time = kDurationMax;
    hint.epoch = std::numeric_limits<std::uint64_t>::max();
    View backends;
    backends.backends.push_back(hint);
    View overrides;
    overrides.overrides = whole_view().overrides;

    CHECK(encoded(backends).size() - encoded(View{}).size() <= encoded_size_max(hint));
    CHECK(encoded(overrides).size() - encoded(View{}).size() <= encoded_size_max(overrides.overrides[0]));
    CHECK(encoded_size_max(hint) < 512);
  }

  TEST_CASE("random damage never crashes and never makes a reader disagree with itself") {
    Random random(20'261'120);
    std::string stream;
    for (const Message& message : all_messages()) {
      stream += encoded(message);
    }
    for (int round = 0; round < 5000; ++round) {
      std::string damaged = stream;
      for (int i = 0; i < 3; ++i) {
        damaged[random.below(static_cast<std::uint32_t>(damaged.size()))] = static_cast<char>(random() & 0xffU);
      }
      const Outcome whole = decoded(damaged);
      const Outcome pieces = decoded(damaged, 1 + random.below(20));
      CHECK((whole.messages == pieces.messages));
      CHECK(whole.error == pieces.error);
    }
  }
}

}  // namespace tandem::peer
