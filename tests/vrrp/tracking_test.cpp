#include "vrrp/tracking.hpp"

#include <doctest/doctest.h>

#include <string>

#include "base/text.hpp"
#include "tests/vrrp/support.hpp"

namespace tandem::vrrp {
namespace {

Options options() {
  Options result;
  result.interface = "lan";
  result.addresses = {{ip("10.77.0.100"), 24}};
  result.track_interfaces = {{"wan", 0}, {"dmz", 30}, {"lab", 40}};
  return result;
}

Circumstances good() {
  Circumstances result;
  result.interface = {2, true, {}, ip("10.77.0.1"), ip("fe80::1")};
  return result;
}

std::string reasons(const Standing& standing) {
  std::string text;
  for (std::size_t place = 0; place < kInabilityCount; ++place) {
    if (standing.inabilities[place]) {
      text += concat(text.empty() ? "" : " ", name(static_cast<Inability>(place)));
    }
  }
  return text;
}

}  // namespace

TEST_SUITE("vrrp/tracking") {
  TEST_CASE("who has all it needs is able and worth its priority") {
    const Standing standing = assess(options(), good());

    CHECK(standing.is_able());
    CHECK(standing.penalty == 0);
    CHECK_FALSE(standing.undecided);
  }

  TEST_CASE("its interface has to be there and up with an address of the family") {
    Circumstances circumstances = good();
    circumstances.interface.up = false;
    CHECK(reasons(assess(options(), circumstances)) == "link_down");
    circumstances.interface.source_v4.reset();
    CHECK(reasons(assess(options(), circumstances)) == "link_down no_source");
    circumstances.interface = {};
    CHECK(reasons(assess(options(), circumstances)) == "interface_missing");

    Options v6 = options();
    v6.addresses = {{ip("fe80::100"), 64}};
    CHECK(assess(v6, good()).is_able());
    circumstances = good();
    circumstances.interface.source_v6.reset();
    CHECK(reasons(assess(v6, circumstances)) == "no_source");
  }

  TEST_CASE("over IPv6 the source is of the scope of the peers") {
    Options options;
    options.addresses = {{ip("fe80::100"), 64}};
    InterfaceState interface;
    interface.source_v6 = ip("fe80::1");
    CHECK(source_of(options, interface) == ip("fe80::1"));

    options.peers = {ip("fe80::2")};
    CHECK(source_of(options, interface) == ip("fe80::1"));
    options.peers = {ip("2001:db8::2")};
    CHECK(source_of(options, interface) == std::nullopt);
    interface.source_v6_global = ip("2001:db8::1");
    CHECK(source_of(options, interface) == ip("2001:db8::1"));
  }

  TEST_CASE("a tracked interface without a penalty is needed and one with it costs priority") {
    Circumstances circumstances = good();
    circumstances.links_down.set(1).set(2);
    CHECK(assess(options(), circumstances).is_able());
    CHECK(assess(options(), circumstances).penalty == 70);

    circumstances.links_down.set(0);
    const Standing standing = assess(options(), circumstances);
    CHECK(reasons(standing) == "tracked_link_down");
    CHECK(standing.details.at(static_cast<std::size_t>(Inability::tracked_link_down)) == 0);
  }

  TEST_CASE("the service and the kernel and the end of the node are looked at") {
    Circumstances circumstances = good();
    circumstances.service = {Inability::worker_stuck, 3};
    circumstances.cluster_penalty = 20;
    circumstances.addresses_failed = true;
    circumstances.shutting_down = true;

    const Standing standing = assess(options(), circumstances);

    CHECK(reasons(standing) == "worker_stuck addresses_failed shutting_down");
    CHECK(standing.details.at(static_cast<std::size_t>(Inability::worker_stuck)) == 3);
    CHECK(standing.penalty == 20);
  }

  TEST_CASE("witnesses count only where there are some") {
    Circumstances circumstances = good();
    circumstances.witness = Reach::silent;
    CHECK(assess(options(), circumstances).is_able());

    Options watched = options();
    watched.witnesses = {{WitnessKind::icmp, ip("10.77.0.254"), 0}};
    CHECK(reasons(assess(watched, circumstances)) == "witness_silent");
    circumstances.witness = Reach::unknown;
    CHECK(assess(watched, circumstances).is_able());
    CHECK(assess(watched, circumstances).undecided);
    circumstances.witness = Reach::reachable;
    CHECK_FALSE(assess(watched, circumstances).undecided);
  }

  TEST_CASE("a penalty leaves at least one and the owner alone") {
    CHECK(static_cast<int>(effective(Priority{100}, 0)) == 100);
    CHECK(static_cast<int>(effective(Priority{100}, 99)) == 1);
    CHECK(static_cast<int>(effective(Priority{100}, 1000)) == 1);
    CHECK(static_cast<int>(effective(Priority{254}, 4)) == 250);
    CHECK(static_cast<int>(effective(kOwner, 100)) == 255);
  }
}

}  // namespace tandem::vrrp
