#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <vector>

#include "tests/vrrp/stringify.hpp"
#include "tests/vrrp/world.hpp"

namespace tandem::vrrp {
namespace {

using namespace std::chrono_literals;

constexpr int kDatagrams = 100'000;

Options signed_instance(int priority) {
  Options options = instance("front", "lan", priority);
  options.authentication.emplace();
  options.authentication->keys = {{1, std::vector<std::byte>(32, std::byte{7})}};
  return options;
}

std::uint64_t rejected(const InstanceFacts& facts) {
  return std::accumulate(facts.rejected.begin(), facts.rejected.end(), std::uint64_t{0});
}

/// Something that must not be taken.
FakeDatagram draw(Random& random, const FakeDatagram& captured) {
  FakeDatagram datagram = captured;
  Packet packet;
  packet.id = VirtualRouterId{1};
  packet.priority = Priority{static_cast<std::uint8_t>(random.below(256))};
  packet.addresses = {ip("10.77.0.100")};
  const Route stranger{ip("10.77.0.66"), ip("224.0.0.18")};
  switch (random.below(7)) {
    case 0: datagram.bytes.resize(random.below(static_cast<std::uint32_t>(datagram.bytes.size()))); break;
    case 1: datagram.bytes[6] ^= std::byte{1}; break;
    case 2: datagram.hop_limit = 254; break;
    case 3: {
      packet.id = VirtualRouterId{2};
      const EncodedPacket encoded = encode(packet, stranger, ChecksumForm::pseudo_header);
      const Bytes bytes = encoded.view();
      datagram = {{bytes.begin(), bytes.end()}, stranger, 255};
      break;
    }
    case 4: {
      datagram.bytes.resize(random.below(200));
      std::ranges::generate(datagram.bytes, [&] { return static_cast<std::byte>(random.below(256)); });
      break;
    }
    case 5: break;  // replayed as it was
    default: {
      const EncodedPacket encoded = encode(packet, stranger, ChecksumForm::pseudo_header);  // unsigned
      const Bytes bytes = encoded.view();
      datagram = {{bytes.begin(), bytes.end()}, stranger, 255};
    }
  }
  return datagram;
}

}  // namespace

TEST_SUITE("vrrp/hostile") {
  TEST_CASE("a hundred thousand hostile datagrams move nothing and are counted by reason") {
    World world;
    for (const int priority : {150, 100}) {
      const std::size_t node = world.add_node({"lan"});
      REQUIRE(world.configure(node, {signed_instance(priority)}).has_value());
    }
    world.run_for(2s);
    REQUIRE(world.state(0) == State::active);
    const FakeDatagram captured = world.network().sent().back();
    world.forget();
    Random random(20);
    std::uint64_t received = world.facts(1).adverts_received;

    for (int sent = 0; sent < kDatagrams; ++sent) {
      const FakeDatagram datagram = draw(random, captured);
      for (const std::size_t node : {0U, 1U}) {
        world.network().inject(node, datagram);
      }
      if (sent % 50 == 49) {
        world.run_for(1ms);
        world.turn(0);
        world.turn(1);
      }
    }
    world.run_for(1s);

    CHECK(world.story(0) == "");
    CHECK(world.story(1) == "");
    CHECK(rejected(world.facts(0)) == kDatagrams);
    CHECK(rejected(world.facts(1)) == kDatagrams);
    received = world.facts(1).adverts_received - received;
    CHECK(received >= 29);  // the real ones went on
    for (const Rejection reason : {Rejection::too_short, Rejection::length, Rejection::checksum, Rejection::hop_limit,
                                   Rejection::foreign_id, Rejection::trailer_missing, Rejection::trailer_replayed}) {
      CAPTURE(std::string(name(reason)));
      CHECK(world.facts(1).rejected.at(static_cast<std::size_t>(reason)) > 100);
    }
  }

  TEST_CASE("a flood does not keep a router from its deadlines") {
    World world;
    world.add_node({"lan"});
    REQUIRE(world.configure(0, {signed_instance(100)}).has_value());
    world.run_for(2s);
    REQUIRE(world.state(0) == State::active);
    const std::uint64_t before = world.facts(0).adverts_sent;
    const FakeDatagram garbage{std::vector<std::byte>(8, std::byte{1}), {ip("10.77.0.66"), ip("224.0.0.18")}, 255};
    for (int i = 0; i < 10'000; ++i) {
      world.network().inject(0, garbage);
    }

    world.run_for(1s);

    CHECK(world.facts(0).adverts_sent >= before + 9);
    CHECK(world.story(0) == "initialize>backup:start backup>active:silence");
  }
}

}  // namespace tandem::vrrp
