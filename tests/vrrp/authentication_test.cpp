#include "vrrp/authentication.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/vrrp/support.hpp"

namespace tandem::vrrp {
namespace {

// The wire images of the draft's appendix: key 00 01 .. 1f, virtual router 51, priority 200, at second 0x68000000.
constexpr std::string_view kAdvert4 =
    "3133c80100644402c0000264 010100006800000080000000 1b84bc4e8e43892dc6d98448f8ee2265";
constexpr std::string_view kAdvert6 =
    "3133c8010064a2e9 fe800000000000000000000000000100 010100006800000080000000 c8c56146ebfd66ee10ec4d8186461b78";
const Route kRoute4{ip("198.51.100.10"), ip("192.0.2.10")};
const Route kRoute6{ip("fe80::10"), ip("fe80::20")};
constexpr WallTime kThen{std::chrono::seconds(0x68000000) + 500ms};

AuthenticationOptions options(AuthenticationMode mode = AuthenticationMode::enforce) {
  AuthenticationOptions result;
  AuthenticationKey key;
  for (unsigned i = 0; i < 32; ++i) {
    key.secret.push_back(static_cast<std::byte>(i));
  }
  result.keys = {key};
  result.mode = mode;
  return result;
}

std::string verdict(Authentication& receiver, Bytes bytes, const Route& route, WallTime now = kThen) {
  const auto decoded = decode({bytes, route, 255});
  if (const auto* rejection = std::get_if<Rejection>(&decoded)) {
    return "not decoded: " + std::string(name(*rejection));
  }
  Remarks remarks;
  const auto rejection = receiver.verify(std::get<Received>(decoded), now, remarks);
  if (rejection) {
    return std::string(name(*rejection));
  }
  return remarks.none() ? "taken" : "taken without a trailer";
}

std::string verdict(Authentication& receiver, std::string_view hex, const Route& route, WallTime now = kThen) {
  return verdict(receiver, from_hex(hex), route, now);
}

/// The image with `value` put at `at` and, IPv6, the checksum made right again.
std::string tampered(std::size_t at, std::uint8_t value) {
  EncodedPacket encoded;
  const auto bytes = from_hex(kAdvert6);
  std::ranges::copy(bytes, encoded.extend(bytes.size()).begin());
  encoded.view()[at] = std::byte{value};
  write_checksum(encoded, 24, kRoute6, ChecksumForm::pseudo_header);
  Authentication receiver(options(), 1s);
  return verdict(receiver, encoded.view(), kRoute6);
}

Packet packet4() { return {Version::v3, VirtualRouterId{51}, Priority{200}, 1s, {ip("192.0.2.100")}, {}, {}}; }

EncodedPacket signed_at(Authentication& sender, WallTime now, const Route& route = kRoute4) {
  EncodedPacket encoded = encode(packet4(), route, ChecksumForm::message_only);
  sender.sign(encoded, route, ChecksumForm::message_only, now);
  return encoded;
}

}  // namespace

TEST_SUITE("vrrp/authentication") {
  TEST_CASE("the draft's wire images are made byte for byte and verified") {
    Authentication sender4(options(), 1s);
    EncodedPacket advert4 = encode(packet4(), kRoute4, ChecksumForm::message_only);
    sender4.sign(advert4, kRoute4, ChecksumForm::message_only, kThen);
    CHECK(to_hex(advert4.view()) == to_hex(from_hex(kAdvert4)));

    Authentication sender6(options(), 1s);
    Packet packet6 = packet4();
    packet6.addresses = {ip("fe80::100")};
    EncodedPacket advert6 = encode(packet6, kRoute6, ChecksumForm::pseudo_header);
    sender6.sign(advert6, kRoute6, ChecksumForm::pseudo_header, kThen);
    CHECK(to_hex(advert6.view()) == to_hex(from_hex(kAdvert6)));

    Authentication receiver(options(), 1s);
    CHECK(verdict(receiver, kAdvert4, kRoute4) == "taken");
    CHECK(verdict(receiver, kAdvert6, kRoute6) == "taken");
  }

  TEST_CASE("whatever is changed in a signed advert is seen") {
    CHECK(tampered(2, 201) == "trailer_hmac");      // priority
    CHECK(tampered(5, 101) == "trailer_hmac");      // interval
    CHECK(tampered(1, 52) == "trailer_hmac");       // virtual router
    CHECK(tampered(23, 1) == "trailer_hmac");       // address
    CHECK(tampered(24, 2) == "trailer_malformed");  // type
    CHECK(tampered(25, 2) == "trailer_key");        // key id
    CHECK(tampered(26, 1) == "trailer_malformed");  // reserved
    CHECK(tampered(31, 1) == "trailer_hmac");       // seconds, within the window
    CHECK(tampered(35, 1) == "trailer_hmac");       // counter
    CHECK(tampered(51, 0x79) == "trailer_hmac");    // the HMAC itself
    CHECK(tampered(51, 0x78) == "taken");
  }

  TEST_CASE("another sender cannot use a captured trailer") {
    Authentication receiver(options(), 1s);

    CHECK(verdict(receiver, kAdvert4, {ip("198.51.100.11"), ip("192.0.2.10")}) == "trailer_hmac");
  }

  TEST_CASE("a captured advert is not taken twice") {
    Authentication sender(options(), 1s);
    Authentication receiver(options(), 1s);
    const EncodedPacket first = signed_at(sender, kThen);
    const EncodedPacket second = signed_at(sender, kThen);  // the clock has not moved: the counter has

    CHECK(verdict(receiver, first.view(), kRoute4) == "taken");
    CHECK(verdict(receiver, first.view(), kRoute4) == "trailer_replayed");
    CHECK(verdict(receiver, second.view(), kRoute4) == "taken");
    CHECK(verdict(receiver, first.view(), kRoute4) == "trailer_replayed");
  }

  TEST_CASE("an advert is fresh for the window and no longer") {
    Authentication sender(options(), 1s);
    const EncodedPacket advert = signed_at(sender, kThen);
    const auto at = [&](Duration later) {
      Authentication receiver(options(), 1s);
      return verdict(receiver, advert.view(), kRoute4, kThen + later);
    };

    CHECK(at(5s) == "taken");
    CHECK(at(6s) == "trailer_stale");
    CHECK(at(-5s) == "taken");
    CHECK(at(-6s) == "trailer_stale");
  }

  TEST_CASE("the window follows a long interval and can be chosen") {
    Authentication sender(options(), 1s);
    const EncodedPacket advert = signed_at(sender, kThen);
    Authentication slow(options(), 10s);
    CHECK(verdict(slow, advert.view(), kRoute4, kThen + 30s) == "taken");

    AuthenticationOptions chosen = options();
    chosen.window = 1s;
    Authentication strict(chosen, 10s);
    CHECK(verdict(strict, advert.view(), kRoute4, kThen + 2s) == "trailer_stale");
  }

  TEST_CASE("monotonic protection needs no common clock") {
    AuthenticationOptions monotonic = options();
    monotonic.replay = ReplayProtection::monotonic;
    Authentication sender(monotonic, 1s);
    Authentication receiver(monotonic, 1s);
    const EncodedPacket first = signed_at(sender, kThen);
    const EncodedPacket second = signed_at(sender, kThen - 24h);  // set back, and still growing

    CHECK(verdict(receiver, first.view(), kRoute4, kThen + 24h) == "taken");
    CHECK(verdict(receiver, second.view(), kRoute4, kThen + 24h) == "taken");
    CHECK(verdict(receiver, first.view(), kRoute4, kThen + 24h) == "trailer_replayed");
  }

  TEST_CASE("a pair whose clocks ran an hour ahead goes on when they are put right") {
    Authentication sender(options(), 1s);
    Authentication receiver(options(), 1s);
    const EncodedPacket ahead = signed_at(sender, kThen + 1h);
    CHECK(verdict(receiver, ahead.view(), kRoute4, kThen + 1h) == "taken");

    const EncodedPacket right = signed_at(sender, kThen);

    CHECK(verdict(receiver, right.view(), kRoute4, kThen) == "taken");
    CHECK(verdict(receiver, right.view(), kRoute4, kThen) == "trailer_replayed");
  }

  TEST_CASE("the three modes differ in what is sent and in what may be missing") {
    const EncodedPacket plain = encode(packet4(), kRoute4, ChecksumForm::message_only);
    const auto size_sent = [](AuthenticationMode mode) {
      Authentication sender(options(mode), 1s);
      return signed_at(sender, kThen).view().size();
    };
    const auto taken = [&](AuthenticationMode mode, std::string_view hex) {
      Authentication receiver(options(mode), 1s);
      return verdict(receiver, hex, kRoute4);
    };
    const std::string unsigned_advert = to_hex(plain.view());
    std::string forged(kAdvert4);
    forged.back() = '6';

    CHECK(size_sent(AuthenticationMode::receive) == 12);
    CHECK(size_sent(AuthenticationMode::permissive) == 40);
    CHECK(size_sent(AuthenticationMode::enforce) == 40);
    for (const auto mode : {AuthenticationMode::receive, AuthenticationMode::permissive}) {
      CHECK(taken(mode, unsigned_advert) == "taken without a trailer");
      CHECK(taken(mode, kAdvert4) == "taken");
      CHECK(taken(mode, forged) == "trailer_hmac");
    }
    CHECK(taken(AuthenticationMode::enforce, unsigned_advert) == "trailer_missing");
    CHECK(taken(AuthenticationMode::enforce, kAdvert4) == "taken");
  }

  TEST_CASE("keys are changed by accepting both for a while") {
    AuthenticationOptions both = options();
    AuthenticationKey second;
    second.id = 2;
    second.secret.assign(64, std::byte{7});
    both.keys.push_back(second);
    AuthenticationOptions next = both;
    next.key_id = 2;
    Authentication receiver(both, 1s);
    Authentication old_sender(options(), 1s);
    Authentication new_sender(next, 1s);
    Authentication not_told(options(), 1s);

    CHECK(verdict(receiver, signed_at(old_sender, kThen).view(), kRoute4) == "taken");
    const EncodedPacket with_second = signed_at(new_sender, kThen + 1ms);
    CHECK(verdict(receiver, with_second.view(), kRoute4) == "taken");
    CHECK(verdict(not_told, with_second.view(), kRoute4) == "trailer_key");
  }

  TEST_CASE("an instance without keys drops a trailer as keepalived does") {
    const auto bytes = from_hex(kAdvert4);
    const auto decoded = decode({bytes, kRoute4, 255});

    CHECK(verify_without_keys(std::get<Received>(decoded)) == Rejection::trailer_unexpected);
  }

  TEST_CASE("version 2 carries the trailer behind its authentication bytes") {
    Authentication sender(options(), 1s);
    Authentication receiver(options(), 1s);
    Packet packet = packet4();
    packet.version = Version::v2;
    EncodedPacket encoded = encode(packet, kRoute4, ChecksumForm::message_only);

    sender.sign(encoded, kRoute4, ChecksumForm::message_only, kThen);

    CHECK(encoded.view().size() == 48);
    CHECK(verdict(receiver, encoded.view(), kRoute4) == "taken");
  }
}

}  // namespace tandem::vrrp
