#include "peer/session.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"

namespace tandem::peer {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{1h};

/// "call 1, send 2 hello, close 3 (reason), up 2, lost (reason), goodbye, deliver leaving".
std::string text(const Actions& actions) {
  struct Name {
    std::string operator()(const Hello&) const { return "hello"; }
    std::string operator()(const Chosen&) const { return "chosen"; }
    std::string operator()(const Leaving&) const { return "leaving"; }
    std::string operator()(const Active&) const { return "active"; }
    std::string operator()(const Goodbye&) const { return "goodbye"; }
    std::string operator()(const Ping& ping) const { return concat("ping ", ping.number); }
    std::string operator()(const Pong& pong) const { return concat("pong ", pong.number); }
    std::string operator()(const View&) const { return "view"; }
  };
  struct Say {
    std::string operator()(const Call& a) const { return concat("call ", static_cast<unsigned>(a.connection)); }
    std::string operator()(const Send& a) const {
      return concat("send ", static_cast<unsigned>(a.connection), " ", std::visit(Name{}, a.message));
    }
    std::string operator()(const Close& a) const {
      return concat("close ", static_cast<unsigned>(a.connection),
                    a.refusal.empty() ? "" : concat(" (", a.refusal, ")"));
    }
    std::string operator()(const Up& a) const { return concat("up ", static_cast<unsigned>(a.connection)); }
    std::string operator()(const Down& a) const {
      return concat(a.ending == Ending::lost ? "lost (" : "goodbye (", a.reason, ")");
    }
    std::string operator()(const Deliver& a) const { return concat("deliver ", std::visit(Name{}, a.message)); }
  };
  std::vector<std::string> parts;
  for (const Action& action : actions) {
    parts.push_back(std::visit(Say{}, action));
  }
  return join(parts);
}

Hello hello(std::uint64_t run, std::uint16_t protocol = 1) { return {protocol, concat("node-", run), "0.1", run}; }

constexpr ConnectionId kFirst{1};
constexpr ConnectionId kSecond{2};

/// The node with run 100, whose first call has just been made.
struct Node {
  Session session{hello(100), {}, 1};

  Node() { CHECK(text(session.on_start(kStart)) == "call 1"); }
  /// Linked by its call to a node with this run.
  void link_to(std::uint64_t run, Instant now = kStart) {
    CHECK(text(session.on_connected(kFirst, now)) == "send 1 hello");
    if (run < 100) {
      CHECK(text(session.on_message(kFirst, hello(run), now)) == "send 1 chosen, up 1");
    } else {
      CHECK(text(session.on_message(kFirst, hello(run), now)) == "");
      CHECK(text(session.on_message(kFirst, Chosen{}, now)) == "up 1");
    }
    CHECK(text(session.on_deadline(now)) == "send 1 ping 1");
  }
};

}  // namespace

TEST_SUITE("peer/session") {
  TEST_CASE("the node with the higher run chooses") {
    Node node;
    node.link_to(99);
    CHECK(node.session.link() == kFirst);
    CHECK(node.session.peer().node == "node-99");
  }

  TEST_CASE("the node with the lower run waits to be chosen") {
    Node node;
    node.link_to(101);
    CHECK(node.session.link() == kFirst);
  }

  TEST_CASE("the lower of two protocols is spoken") {
    Node node;
    (void)node.session.on_connected(kFirst, kStart);
    (void)node.session.on_message(kFirst, hello(1, 2), kStart);
    CHECK(node.session.protocol() == 1);
  }

  TEST_CASE("a ping goes out every half second and its answer is timed") {
    Node node;
    node.link_to(1);

    CHECK(node.session.next_deadline() == kStart + 500ms);
    CHECK(text(node.session.on_message(kFirst, Pong{1}, kStart + 3ms)) == "");
    CHECK(node.session.round_trip() == 3ms);
    CHECK(text(node.session.on_deadline(kStart + 499ms)) == "");
    CHECK(text(node.session.on_deadline(kStart + 500ms)) == "send 1 ping 2");
    CHECK(text(node.session.on_message(kFirst, Pong{1}, kStart + 501ms)) == "");  // late, for another ping
    CHECK(node.session.round_trip() == 3ms);
    CHECK(text(node.session.on_message(kFirst, Ping{77}, kStart + 502ms)) == "send 1 pong 77");
  }

  TEST_CASE("two seconds of silence end the link") {
    Node node;
    node.link_to(1);
    node.session.on_bytes(kFirst, kStart + 300ms);
    for (Instant now = kStart + 500ms; now <= kStart + 2s; now += 500ms) {
      CHECK(text(node.session.on_deadline(now)).find("ping") != std::string::npos);
    }
    CHECK(text(node.session.on_deadline(kStart + 2299ms)) == "");
    CHECK(text(node.session.on_deadline(kStart + 2300ms)) == "lost (nothing heard for 2s), close 1");
    CHECK_FALSE(node.session.link().has_value());
  }

  TEST_CASE("calls are repeated with a rest that doubles up to two seconds") {
    Node node;
    Instant now = kStart;
    std::uint32_t id = 1;
    Duration expected = 100ms;
    for (int round = 0; round < 10; ++round) {
      CHECK(text(node.session.on_closed(ConnectionId{id}, "Connection refused", now)) == "");
      const Instant next = node.session.next_deadline();
      CHECK(next - now >= expected);
      CHECK(next - now <= expected * 3 / 2);
      CHECK(next - now <= 2s);
      now = next;
      CHECK(text(node.session.on_deadline(now)) == concat("call ", ++id));
      expected = std::min<Duration>(2 * expected, 1333ms);
    }
  }

  TEST_CASE("after a link that stood for long the first rest is short again") {
    for (const bool steady : {false, true}) {
      Node node;
      for (std::uint32_t id = 1; id <= 6; ++id) {
        (void)node.session.on_closed(ConnectionId{id}, "Connection refused", kStart);
        (void)node.session.on_deadline(kStart + 2s);
      }
      const ConnectionId seventh{7};
      (void)node.session.on_connected(seventh, kStart + 2s);
      REQUIRE(text(node.session.on_message(seventh, hello(1), kStart + 2s)) == "send 7 chosen, up 7");
      const Instant end = kStart + (steady ? 4s : 3s);
      CHECK(text(node.session.on_closed(seventh, "reset", end)) == "lost (reset)");
      CHECK((node.session.next_deadline() - end <= 150ms) == steady);
    }
  }

  TEST_CASE("a connection to itself is refused by name") {
    Node node;
    (void)node.session.on_connected(kFirst, kStart);
    CHECK(text(node.session.on_message(kFirst, hello(100), kStart)) ==
          "close 1 (this is the node itself: address must be the other node's)");
  }

  TEST_CASE("a goodbye is no loss") {
    Node node;
    node.link_to(1);
    CHECK(text(node.session.on_message(kFirst, Goodbye{}, kStart)) == "goodbye (the peer said goodbye), close 1");
    CHECK(node.session.next_deadline() >= kStart + 100ms);
  }

  TEST_CASE("after a goodbye no other connection of that run becomes the link") {
    Node node;
    node.link_to(1);
    for (int i = 0; i < 2; ++i) {
      const ConnectionId id = node.session.on_accepted(Source::peer, kStart).first.value();
      (void)node.session.on_connected(id, kStart);
    }
    (void)node.session.on_message(kSecond, hello(1), kStart);

    CHECK(text(node.session.on_message(kFirst, Goodbye{}, kStart)) ==
          "goodbye (the peer said goodbye), close 1, close 2");
    CHECK(text(node.session.on_message(ConnectionId{3}, hello(1), kStart)) == "close 3");

    const ConnectionId restarted = node.session.on_accepted(Source::peer, kStart).first.value();
    (void)node.session.on_connected(restarted, kStart);
    CHECK(text(node.session.on_message(restarted, hello(2), kStart)) == "send 4 chosen, up 4");
  }

  TEST_CASE("what the peer says is for the node") {
    Node node;
    node.link_to(1);
    CHECK(text(node.session.on_message(kFirst, Leaving{}, kStart)) == "deliver leaving");
    CHECK(text(node.session.on_message(kFirst, Active{}, kStart)) == "deliver active");
    CHECK(text(node.session.on_message(kFirst, View{}, kStart)) == "deliver view");
  }

  TEST_CASE("whoever speaks out of turn is refused") {
    const std::vector<Message> early = {Leaving{}, Active{}, View{}, Ping{1}, Pong{1}};
    for (const Message& message : early) {
      Node node;
      (void)node.session.on_connected(kFirst, kStart);
      CHECK(text(node.session.on_message(kFirst, message, kStart)) ==
            "close 1 (it speaks before the hellos are through)");
    }
    Node twice;
    twice.link_to(1);
    CHECK(text(twice.session.on_message(kFirst, hello(1), kStart)) ==
          "lost (it says hello twice), close 1 (it says hello twice)");
    Node chosen;
    (void)chosen.session.on_connected(kFirst, kStart);
    (void)chosen.session.on_message(kFirst, hello(1), kStart);
    CHECK(text(chosen.session.on_message(kFirst, Chosen{}, kStart)).find("it chooses where it has no choice") !=
          std::string::npos);
  }

  TEST_CASE("a second connection waits behind the link and takes over when that is lost") {
    Node node;
    node.link_to(1);
    const auto [second, actions] = node.session.on_accepted(Source::peer, kStart);
    REQUIRE(second == kSecond);
    CHECK(text(node.session.on_connected(kSecond, kStart)) == "send 2 hello");
    CHECK(text(node.session.on_message(kSecond, hello(1), kStart)) == "");

    CHECK(text(node.session.on_closed(kFirst, "reset", kStart + 1s)) == "lost (reset), send 2 chosen, up 2");
  }

  TEST_CASE("a peer that has started anew replaces the link to what it was") {
    Node node;
    node.link_to(1);
    REQUIRE(node.session.on_accepted(Source::peer, kStart).first == kSecond);
    (void)node.session.on_connected(kSecond, kStart);
    CHECK(text(node.session.on_message(kSecond, hello(2), kStart)) ==
          "send 2 chosen, lost (the peer has started anew), close 1, up 2");
  }

  TEST_CASE("when chosen the node drops its own other call") {
    Node node;
    REQUIRE(node.session.on_accepted(Source::peer, kStart).first == kSecond);
    (void)node.session.on_connected(kFirst, kStart);
    (void)node.session.on_connected(kSecond, kStart);
    (void)node.session.on_message(kFirst, hello(200), kStart);
    (void)node.session.on_message(kSecond, hello(200), kStart);
    CHECK(text(node.session.on_message(kSecond, Chosen{}, kStart)) == "up 2, close 1");
  }

  TEST_CASE("who does not finish the hello is closed after three seconds") {
    Node node;
    REQUIRE(node.session.on_accepted(Source::stranger, kStart + 1s).first == kSecond);
    CHECK(text(node.session.on_deadline(kStart + 3s)) == "close 1 (it does not finish its hello)");
    CHECK(text(node.session.on_deadline(kStart + 4s)).find("close 2 (it does not finish its hello)") == 0);
  }

  TEST_CASE("of too many at the door the oldest stranger gives way and never the peer to a stranger") {
    Node node;
    for (int i = 0; i < 4; ++i) {
      REQUIRE(node.session.on_accepted(Source::peer, kStart).first.has_value());      // 2 to 5
      REQUIRE(node.session.on_accepted(Source::stranger, kStart).first.has_value());  // in turns
    }
    auto [ninth, first] = node.session.on_accepted(Source::stranger, kStart + 1ms);
    CHECK(ninth.has_value());
    CHECK(text(first) == "close 3");
    for (int i = 0; i < 4; ++i) {
      CHECK(node.session.on_accepted(Source::peer, kStart + 2ms).first.has_value());
    }
    CHECK_FALSE(node.session.on_accepted(Source::stranger, kStart + 3ms).first.has_value());
    auto [another, second] = node.session.on_accepted(Source::peer, kStart + 4ms);
    CHECK(another.has_value());
    CHECK(text(second) == "close 2");
  }

  TEST_CASE("a node that ends says goodbye on every connection that may be the link") {
    Node node;
    (void)node.session.on_connected(kFirst, kStart);
    (void)node.session.on_message(kFirst, hello(200), kStart);
    REQUIRE(node.session.on_accepted(Source::peer, kStart).first == kSecond);
    REQUIRE(node.session.on_accepted(Source::stranger, kStart).first.has_value());
    (void)node.session.on_connected(kSecond, kStart);
    CHECK(text(node.session.on_stop()) == "send 1 goodbye, close 1, send 2 goodbye, close 2, close 3");
    CHECK(node.session.next_deadline() == Instant::max());
  }
}

namespace {

/// Two sessions and the network between them, in virtual time. Bytes of one connection stay in order; everything else
/// comes as it likes.
class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {
    const std::uint64_t run = 1 + random_.below(1000);
    nodes_[0].session.emplace(hello(run), SessionOptions{}, random_());
    nodes_[1].session.emplace(hello(run + (random_.below(2) == 0 ? 1000 : 2000)), SessionOptions{}, random_());
    if (random_.below(2) == 0) {
      std::swap(nodes_[0], nodes_[1]);
    }
  }

  void start() {
    at(now_ + delay(), [this] { act(0, nodes_[0].session->on_start(now_)); });
    at(now_ + delay(), [this] { act(1, nodes_[1].session->on_start(now_)); });
  }
  void run_for(Duration time) {
    const Instant end = now_ + time;
    for (int step = 0; step < 1'000'000; ++step) {
      Instant next = events_.empty() ? Instant::max() : events_.begin()->first;
      int due = -1;
      for (int who : {0, 1}) {
        const Instant deadline = std::max(nodes_[who].session->next_deadline(), now_);
        if (nodes_[who].started && deadline < next) {
          next = deadline;
          due = who;
        }
      }
      if (next > end) {
        break;
      }
      now_ = next;
      if (due >= 0) {
        act(due, nodes_[due].session->on_deadline(now_));
      } else {
        auto event = events_.extract(events_.begin());
        event.mapped()();
      }
    }
    now_ = end;
  }
  /// Both ends of every connection hear of its end, sooner or later.
  void reset_all() {
    for (std::size_t i = 0; i < wires_.size(); ++i) {
      close_from(i, 0);
      close_from(i, 1);
    }
  }
  /// Nothing passes from now on.
  void cut(bool is_cut) { cut_ = is_cut; }
  Duration delay() { return Duration{random_.below(20'000'000)}; }
  Random& random() { return random_; }

  struct Node {
    std::optional<Session> session;
    bool started = false;
    std::optional<ConnectionId> link;
    int ups = 0;
    int downs = 0;
  };
  [[nodiscard]] const Node& node(int who) const { return nodes_[who]; }
  /// The two are linked by the two ends of one connection, and no other is open.
  [[nodiscard]] bool is_one_link() const {
    int open = 0;
    bool same = false;
    for (const Wire& wire : wires_) {
      open += (wire.open[0] && wire.ends[0]) || (wire.open[1] && wire.ends[1]) ? 1 : 0;
      same = same ||
             (nodes_[0].link && nodes_[1].link && wire.ends[0] == nodes_[0].link && wire.ends[1] == nodes_[1].link);
    }
    return same && open == 1;
  }

 private:
  struct Wire {
    std::optional<ConnectionId> ends[2];
    bool open[2] = {false, false};
    Instant last[2];    // when the newest byte to this end arrives
    bool dead = false;  // bytes were lost in a cut: nothing more arrives, nobody is told
  };

  void at(Instant time, std::function<void()> what) { events_.emplace(time, std::move(what)); }
  void to_end(std::size_t wire, int end, std::function<void()> what) {
    Instant& last = wires_[wire].last[end];
    last = std::max(last + 1ns, now_ + delay());
    at(last, [this, wire, end, what = std::move(what)] {
      wires_[wire].dead = wires_[wire].dead || cut_;
      if (wires_[wire].open[end] && !wires_[wire].dead) {
        what();
      }
    });
  }
  std::optional<std::size_t> wire_of(int who, ConnectionId id) {
    for (std::size_t i = 0; i < wires_.size(); ++i) {
      if (wires_[i].ends[who] == id) {
        return i;
      }
    }
    return std::nullopt;
  }
  /// The end at `who` is gone; the other hears of it.
  void close_from(std::size_t wire, int who) {
    wires_[wire].open[who] = false;
    const int other = 1 - who;
    to_end(wire, other, [this, wire, other] { closed(wire, other); });
  }
  void closed(std::size_t wire, int who) {
    wires_[wire].open[who] = false;
    act(who, nodes_[who].session->on_closed(*wires_[wire].ends[who], "reset", now_));
  }
  void call(int who, ConnectionId id) {
    const std::size_t wire = wires_.size();
    wires_.emplace_back();
    wires_[wire].ends[who] = id;
    wires_[wire].open[who] = true;
    const int other = 1 - who;
    wires_[wire].open[other] = true;  // as far as the network is concerned
    to_end(wire, other, [this, wire, who, other] {
      if (!nodes_[other].started) {
        close_from(wire, other);
        return;
      }
      auto [accepted, actions] = nodes_[other].session->on_accepted(Source::peer, now_);
      act(other, std::move(actions));
      wires_[wire].ends[other] = accepted;
      if (!accepted) {
        close_from(wire, other);
        return;
      }
      for (const int end : {who, other}) {
        to_end(wire, end,
               [this, wire, end] { act(end, nodes_[end].session->on_connected(*wires_[wire].ends[end], now_)); });
      }
    });
  }
  void act(int who, Actions actions) {
    Node& node = nodes_[who];
    node.started = true;
    for (Action& action : actions) {
      if (const auto* call_out = std::get_if<Call>(&action)) {
        call(who, call_out->connection);
      } else if (auto* send = std::get_if<Send>(&action)) {
        const std::size_t wire = wire_of(who, send->connection).value();
        const int other = 1 - who;
        to_end(wire, other, [this, wire, other, message = std::move(send->message)] {
          act(other, nodes_[other].session->on_message(*wires_[wire].ends[other], message, now_));
        });
      } else if (const auto* close = std::get_if<Close>(&action)) {
        CHECK(close->refusal != "it speaks before the hellos are through");
        CHECK(close->refusal != "it chooses where it has no choice");
        close_from(wire_of(who, close->connection).value(), who);
      } else if (const auto* up = std::get_if<Up>(&action)) {
        CHECK_FALSE(node.link.has_value());
        node.link = up->connection;
        ++node.ups;
      } else if (std::holds_alternative<Down>(action)) {
        CHECK(node.link.has_value());
        node.link.reset();
        ++node.downs;
      }
    }
  }

  Random random_;
  Instant now_ = kStart;
  Node nodes_[2];
  std::vector<Wire> wires_;
  std::multimap<Instant, std::function<void()>> events_;
  bool cut_ = false;
};

}  // namespace

TEST_SUITE("peer/session/simulation") {
  TEST_CASE("two nodes that call each other at once keep one connection and lose none") {
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
      CAPTURE(seed);
      World world(seed);
      world.start();
      world.run_for(10s);

      REQUIRE(world.is_one_link());
      for (const int who : {0, 1}) {
        REQUIRE(world.node(who).ups == 1);
        REQUIRE(world.node(who).downs == 0);
      }
    }
  }

  TEST_CASE("after any resets and cuts the two find one link again") {
    for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
      CAPTURE(seed);
      World world(seed);
      world.start();
      for (int fault = 0; fault < 6; ++fault) {
        world.run_for(Duration{world.random().below(3'000'000'000)});
        if (world.random().below(2) == 0) {
          world.reset_all();
        } else {
          world.cut(true);
          world.run_for(Duration{world.random().below(4'000'000'000)});
          world.cut(false);
        }
      }
      world.run_for(20s);

      REQUIRE(world.is_one_link());
    }
  }
}

}  // namespace tandem::peer
