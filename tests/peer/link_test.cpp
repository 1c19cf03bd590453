#include "peer/link.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/peer/certificates.hpp"
#include "tests/peer/support.hpp"

namespace tandem::peer {
namespace {

const std::string kSecret(48, 'k');
constexpr Router kRouter{IpAddress::Family::v4, 51};

/// Two ends' addresses and keys.
struct Pair {
  Folder folder;
  Port port_a;
  Port port_b;
  Recorder a;
  Recorder b;
  Options options_a;
  Options options_b;

  Pair() {
    options_a = {port_b.endpoint(), port_a.endpoint(), folder.write("a.key", kSecret + "\n"), {}};
    options_b = {port_a.endpoint(), port_b.endpoint(), folder.write("b.key", kSecret), {}};
  }
  std::unique_ptr<Link> open_a() { return open(options_a, "lb-a", a); }
  std::unique_ptr<Link> open_b() { return open(options_b, "lb-b", b); }
  static std::unique_ptr<Link> open(const Options& options, std::string name, Recorder& recorder) {
    auto link = Link::open(options, std::move(name), "0.1", recorder.hooks(), recorder.log());
    REQUIRE_MESSAGE(link.has_value(), (link ? "" : link.error().text));
    return std::move(*link);
  }
};

/// A link that has no other node yet, and a node by hand that calls it.
struct Alone {
  Pair pair;
  std::unique_ptr<Link> link;

  Alone() : link(pair.open_a()) {}

  std::unique_ptr<HandMade> call() {
    auto node = std::make_unique<HandMade>(HandMade::connect(pair.port_a.endpoint()), *TlsContext::from_key(kSecret),
                                           TlsRole::client);
    REQUIRE(node->handshake());
    return node;
  }
  /// With the highest run the node by hand chooses, and this is the link.
  std::unique_ptr<HandMade> linked(std::uint16_t protocol = 1) {
    auto node = call();
    node->send(Hello{protocol, "by-hand", "9.9", ~std::uint64_t{0}});
    REQUIRE(node->receive_a<Hello>());
    node->send(Chosen{});
    REQUIRE(pair.a.wait_for("up", ++ups));
    return node;
  }
  std::size_t ups = 0;
};

BackendHint hint(int number) {
  BackendHint made;
  made.cluster = "orders";
  made.backend = concat("pg-", number);
  made.address = concat("10.0.", number / 256, ".", number % 256, ":5432");
  made.up = true;
  made.role = number == 0 ? Role::primary : Role::replica;
  made.reason = "answers";
  return made;
}

Duration median(std::vector<Duration> times) {
  std::ranges::sort(times);
  return times[times.size() / 2];
}

}  // namespace

TEST_SUITE("peer/link") {
  TEST_CASE("two nodes find each other and keep one connection") {
    Pair pair;
    const auto a = pair.open_a();
    const auto b = pair.open_b();

    REQUIRE(pair.a.wait_for("up"));
    REQUIRE(pair.b.wait_for("up"));
    REQUIRE(eventually([&] { return a->status().round_trip && b->status().round_trip; }));

    CHECK(a->status().up);
    CHECK(a->status().peer_node == "lb-b");
    CHECK(b->status().peer_node == "lb-a");
    CHECK(a->status().protocol == 1);
    CHECK(a->status().reason.empty());
    CHECK(a->status().connects == 1);
    CHECK(b->status().connects == 1);
    CHECK(*a->status().round_trip < 1s);
    CHECK(pair.a.lines_with("peer_up peer=lb-b") == 1);
    CHECK(pair.a.lines_with("peer_same_name") == 0);
  }

  TEST_CASE("many pairs that start at the same time each come up once without a loss") {
    for (int round = 0; round < 30; ++round) {
      CAPTURE(round);
      Pair pair;
      std::unique_ptr<Link> b;
      std::thread other([&] { b = pair.open_b(); });
      const auto a = pair.open_a();
      other.join();

      REQUIRE(pair.a.wait_for("up"));
      REQUIRE(pair.b.wait_for("up"));
      a->say_leaving(kRouter);
      b->say_leaving(kRouter);
      REQUIRE(pair.a.wait_for("leaving 4/51"));
      REQUIRE(pair.b.wait_for("leaving 4/51"));

      CHECK(a->status().losses == 0);
      CHECK(b->status().losses == 0);
      CHECK(a->status().connects == 1);
      CHECK(b->status().connects == 1);
    }
  }

  TEST_CASE("a word of leaving arrives within a millisecond") {
    Pair pair;
    const auto a = pair.open_a();
    const auto b = pair.open_b();
    REQUIRE(pair.a.wait_for("up"));
    REQUIRE(pair.b.wait_for("up"));
    std::vector<Duration> times;
    std::vector<Duration> said;

    for (std::size_t round = 1; round <= 101; ++round) {
      std::this_thread::sleep_for(2ms);  // both threads are asleep, as they are when it matters
      const Instant before = real_now();
      a->say_leaving(kRouter);
      said.push_back(real_now() - before);
      REQUIRE(pair.b.wait_for("leaving 4/51", round));
      times.push_back(pair.b.time_of("leaving 4/51") - before);
    }

    MESSAGE("from say_leaving() to on_leaving: median " << rounded(median(times)) << ", longest "
                                                        << rounded(*std::ranges::max_element(times))
                                                        << "; the call itself: median " << rounded(median(said)));
    CHECK(*std::ranges::min_element(times) < 1ms);  // the others are as good on a machine that is not loaded
    CHECK(median(times) < 50ms);
  }

  TEST_CASE("a node that is killed is lost at once") {
    Alone alone;
    std::vector<Duration> times;

    for (std::size_t round = 1; round <= 5; ++round) {
      const auto node = alone.linked();
      const Instant before = real_now();
      if (round % 2 == 0) {
        net::reset(node->socket());
      } else {
        node->socket().close();
      }
      REQUIRE(alone.pair.a.wait_for("lost", round));
      times.push_back(alone.pair.a.time_of("lost") - before);
    }

    MESSAGE("from the end of the other process to on_lost: median " << rounded(median(times)));
    CHECK(*std::ranges::min_element(times) < 5ms);
    CHECK(median(times) < 200ms);  // and no ping's silence, also on a loaded machine
    CHECK_FALSE(alone.link->status().up);
    CHECK(alone.link->status().losses == 5);
    CHECK(eventually([&] { return alone.pair.a.lines_with("peer_down peer=by-hand reason=") == 5; }));
  }

  TEST_CASE("what a dying node said last is heard before it is lost") {
    Alone alone;
    const auto node = alone.linked();

    node->send(Leaving{kRouter});
    node->socket().close();

    REQUIRE(alone.pair.a.wait_for("lost"));
    CHECK(join(alone.pair.a.events()) == "up, leaving 4/51, lost");
  }

  TEST_CASE("a node that hangs is lost after two seconds of silence") {
    Alone alone;
    const auto node = alone.linked();
    const Instant before = real_now();

    REQUIRE(alone.pair.a.wait_for("lost"));

    const Duration silence = alone.pair.a.time_of("lost") - before;
    CHECK(silence > 1900ms);
    CHECK(silence < 4s);
    CHECK(alone.link->status().reason.find("nothing heard for 2") == 0);
  }

  TEST_CASE("a node that ends says goodbye and is no loss") {
    Pair pair;
    const auto a = pair.open_a();
    auto b = pair.open_b();
    REQUIRE(pair.a.wait_for("up"));
    REQUIRE(pair.b.wait_for("up"));

    b->say_leaving(kRouter);
    b.reset();

    REQUIRE(pair.a.wait_for("goodbye"));
    CHECK(join(pair.a.events()) == "up, leaving 4/51, goodbye");
    CHECK(a->status().losses == 0);
    CHECK(a->status().reason == "the peer said goodbye");
    CHECK(eventually([&] { return pair.a.lines_with("peer_down peer=lb-b reason=the peer said goodbye") == 1; }));
  }

  TEST_CASE("a node that comes back is found again") {
    Pair pair;
    const auto a = pair.open_a();
    auto b = pair.open_b();
    for (std::size_t round = 1; round <= 4; ++round) {
      REQUIRE(pair.a.wait_for("up", round));
      b.reset();
      REQUIRE(pair.a.wait_for("goodbye", round));
      b = pair.open_b();
    }
    REQUIRE(pair.a.wait_for("up", 5));
    CHECK(pair.a.count("lost") == 0);
  }

  TEST_CASE("another key is refused with a reason on both sides and logged once") {
    Pair pair;
    pair.options_b.key_file = pair.folder.write("other.key", std::string(48, 'x'));
    const auto a = pair.open_a();
    const auto b = pair.open_b();

    REQUIRE(
        eventually([&] { return pair.a.lines_with("peer_refused") == 2 && pair.b.lines_with("peer_refused") == 2; }));
    std::this_thread::sleep_for(700ms);  // several calls more

    for (Recorder* side : {&pair.a, &pair.b}) {
      CAPTURE(side->all_lines());
      CHECK(side->lines_with("by=our call reason=it refuses our key: the two key files differ") == 1);
      CHECK(side->lines_with("by=its call reason=its key is another one than ours") == 1);
      CHECK(side->lines_with("peer_refused") == 2);
      CHECK(side->lines_with("peer_up") == 0);
    }
    CHECK(a->status().reason.find("key") != std::string::npos);
    CHECK(b->status().reason.find("key") != std::string::npos);
  }

  TEST_CASE("certificates of one authority work both ways") {
    Pair pair;
    const Authority authority(pair.folder, "ca");
    pair.options_a.certificates = authority.issue("lb-a");
    pair.options_b.certificates = authority.issue("lb-b");

    const auto a = pair.open_a();
    const auto b = pair.open_b();

    REQUIRE(pair.a.wait_for("up"));
    REQUIRE(pair.b.wait_for("up"));
    b->say_active({IpAddress::Family::v6, 7});
    CHECK(pair.a.wait_for("active 6/7"));
  }

  TEST_CASE("a certificate of another authority is refused with a reason on both sides") {
    Pair pair;
    const Authority authority(pair.folder, "ca");
    const Authority stranger(pair.folder, "stranger");
    pair.options_a.certificates = authority.issue("lb-a");
    pair.options_b.certificates = stranger.issue("lb-b");
    pair.options_b.certificates->ca_file = authority.file();  // it would take a's, but shows a wrong one

    const auto a = pair.open_a();
    const auto b = pair.open_b();

    REQUIRE(eventually([&] {
      return pair.a.lines_with("reason=certificate: unable to get local issuer certificate") == 2 &&
             pair.b.lines_with("reason=it refuses our certificate: ") == 2;
    }));
    CHECK(pair.a.count("up") == 0);
    CHECK(pair.b.count("up") == 0);
  }

  TEST_CASE("a node with a key and one with certificates say what is wrong") {
    Pair pair;
    const Authority authority(pair.folder, "ca");
    pair.options_b.certificates = authority.issue("lb-b");

    const auto a = pair.open_a();
    const auto b = pair.open_b();

    REQUIRE(
        eventually([&] { return pair.a.lines_with("peer_refused") == 2 && pair.b.lines_with("peer_refused") == 2; }));
    CAPTURE(pair.a.all_lines());
    CAPTURE(pair.b.all_lines());
    CHECK(pair.a.lines_with("certificate") == 2);
    CHECK(pair.b.lines_with("key") == 2);
    CHECK(pair.a.count("up") == 0);
    CHECK(pair.b.count("up") == 0);
  }

  TEST_CASE("a node of the next version is understood as far as this one goes") {
    Alone alone;
    const auto node = alone.linked(2);
    std::string frames;
    frames += std::string("\x03\x84\x00\x00\x00\x05", 6) + "hello";  // message 900
    std::string leaving;
    encode(Leaving{kRouter}, leaving);
    leaving += std::string("\x01\x00\x00\x00\x00\x02", 6) + "!!";  // its field 256
    leaving[5] = static_cast<char>(leaving.size() - 6);
    node->send_raw(frames + leaving);

    REQUIRE(alone.pair.a.wait_for("leaving 4/51"));
    CHECK(alone.link->status().protocol == 1);
    CHECK(alone.link->status().up);
    CHECK(alone.link->status().peer_version == "9.9");
  }

  TEST_CASE("a malformed message ends the link with a reason") {
    Alone alone;
    const auto node = alone.linked();

    node->send_raw(std::string("\x00\x08\xff\xff\xff\xff", 6));

    REQUIRE(alone.pair.a.wait_for("lost"));
    CHECK(alone.link->status().reason == "malformed frame of 4294967295 bytes, at most 262144 are allowed");
  }

  TEST_CASE("a new connection is told everything and then what changes") {
    constexpr int kBackends = 10'000;
    Pair pair;
    pair.a.whole.with([](View& view) {
      for (int i = 0; i < kBackends; ++i) {
        view.backends.push_back(hint(i));
      }
      OverrideHint drained;
      drained.cluster = "orders";
      drained.backend = "pg-3";
      drained.state = "drain";
      drained.lasts = 10min;
      view.overrides.push_back(drained);
    });
    const auto a = pair.open_a();
    const auto b = pair.open_b();
    REQUIRE(pair.a.wait_for("up"));
    const Instant before = real_now();
    const auto told = [&] {
      return pair.b.heard.with([](const Recorder::Heard& all) {
        std::size_t count = 0;
        for (const View& view : all.views) {
          count += view.backends.size();
        }
        return count;
      });
    };

    REQUIRE(eventually([&] { return told() == kBackends; }));
    MESSAGE("10,000 backends in " << rounded(real_now() - before));
    View change;
    change.backends.push_back(hint(77));
    change.backends.back().up = false;
    a->share(change);
    REQUIRE(eventually([&] { return told() == kBackends + 1; }));

    pair.b.heard.with([&](const Recorder::Heard& all) {
      std::set<std::string> names;
      for (const View& view : all.views) {
        for (const BackendHint& one : view.backends) {
          names.insert(one.backend);
        }
      }
      CHECK(names.size() == kBackends);
      CHECK(all.views.front().overrides.at(0).state == "drain");
      const BackendHint& last = all.views.back().backends.at(0);
      CHECK(last.backend == "pg-77");
      CHECK_FALSE(last.up);
      CHECK(last.age < 1s);
    });
    CHECK(a->status().overflows == 0);
  }

  TEST_CASE("an urgent message overtakes the views that wait") {
    constexpr int kBackends = 30'000;
    Alone alone;
    alone.pair.a.whole.with([](View& view) {
      for (int i = 0; i < kBackends; ++i) {
        view.backends.push_back(hint(i));
      }
    });
    const auto node = alone.linked();
    REQUIRE(eventually([&] { return alone.link->status().messages_sent > 4; }));
    std::this_thread::sleep_for(20ms);  // the buffers fill, nobody reads

    alone.link->say_leaving(kRouter);
    std::size_t before = 0;
    std::size_t total = 0;
    bool leaving = false;
    while (total < kBackends) {
      const auto message = node->receive();
      REQUIRE(message.has_value());
      if (const auto* view = std::get_if<View>(&*message)) {
        total += view->backends.size();
        before += leaving ? 0 : view->backends.size();
        node->send(Ping{});
      }
      leaving = leaving || std::holds_alternative<Leaving>(*message);
    }

    CHECK(leaving);
    CHECK(before < total);
    MESSAGE("hints in front of the word of leaving: " << before << " of " << total);
  }

  TEST_CASE("strangers with garbage or patience disturb nobody") {
    Pair pair;
    const auto a = pair.open_a();
    std::vector<net::Fd> strangers;
    for (int i = 0; i < 40; ++i) {
      strangers.push_back(HandMade::connect(pair.port_a.endpoint()));
      if (i % 2 == 0) {
        const std::string_view garbage = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";
        static_cast<void>(::send(strangers.back().get(), garbage.data(), garbage.size(), MSG_NOSIGNAL));
      }
    }

    const auto b = pair.open_b();
    REQUIRE(pair.a.wait_for("up"));
    REQUIRE(pair.b.wait_for("up"));
    for (int i = 0; i < 40; ++i) {
      strangers.push_back(HandMade::connect(pair.port_a.endpoint()));
    }
    a->say_leaving(kRouter);
    b->say_leaving(kRouter);

    REQUIRE(pair.a.wait_for("leaving 4/51"));
    REQUIRE(pair.b.wait_for("leaving 4/51"));
    CHECK(a->status().losses == 0);
    CHECK(pair.a.lines_with("peer_refused") <= 3);
  }

  TEST_CASE("who claims to be the peer after the handshake but stays silent is dropped") {
    Alone alone;
    const auto node = alone.call();
    REQUIRE(node->receive_a<Hello>());

    CHECK_FALSE(node->receive());

    CHECK(alone.pair.a.lines_with("it does not finish its hello") == 1);
  }

  TEST_CASE("an address that is the node itself is named") {
    Pair pair;
    pair.options_a.address = pair.options_a.listen;
    const auto a = pair.open_a();

    REQUIRE(eventually([&] { return pair.a.lines_with("peer_refused") >= 1; }));

    CHECK(a->status().reason == "this is the node itself: address must be the other node's");
    CHECK_FALSE(a->status().up);
  }

  TEST_CASE("two nodes of one name work with a warning") {
    Pair pair;
    const auto a = Pair::open(pair.options_a, "lb", pair.a);
    const auto b = Pair::open(pair.options_b, "lb", pair.b);

    REQUIRE(pair.a.wait_for("up"));
    REQUIRE(pair.b.wait_for("up"));

    CHECK(eventually([&] { return pair.a.lines_with("peer_same_name peer=lb") == 1; }));
  }

  TEST_CASE("what cannot be opened is named") {
    Pair pair;
    const auto a = pair.open_a();
    Options taken = pair.options_b;
    taken.listen = pair.options_a.listen;
    Options keyless = pair.options_b;
    keyless.key_file = "/nonexistent/peer.key";

    const auto in_use = Link::open(taken, "x", "1", {}, {});
    const auto no_key = Link::open(keyless, "x", "1", {}, {});

    REQUIRE_FALSE(in_use.has_value());
    REQUIRE_FALSE(no_key.has_value());
    CHECK(in_use.error().text == concat("peer: listen \"", to_string(taken.listen), "\": Address already in use"));
    CHECK(no_key.error().text == "peer: key_file \"/nonexistent/peer.key\": No such file or directory");
  }

  TEST_CASE("a peer that is not there is logged once and called again") {
    Pair pair;
    const auto a = pair.open_a();
    REQUIRE(eventually([&] { return a->status().reason == "Connection refused"; }));

    const auto b = pair.open_b();

    REQUIRE(pair.a.wait_for("up"));
    CHECK(pair.a.lines_with("peer_unreachable") == 1);
  }
}

}  // namespace tandem::peer
