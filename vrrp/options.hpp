#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace tandem::vrrp {

using namespace std::chrono_literals;

enum class Version : std::uint8_t { v2 = 2, v3 = 3 };

/// 1 to 255; unique for an interface and an address family.
enum class VirtualRouterId : std::uint8_t {};

/// 1 to 255. On the wire 0 says that the sender is leaving.
enum class Priority : std::uint8_t {};
inline constexpr Priority kLeaving{0};
inline constexpr Priority kOwner{255};

enum class Preempt : std::uint8_t { no, yes };

/// What the checksum of a version 3 IPv4 advert covers. Version 2 and IPv6 have one form each.
enum class ChecksumOption : std::uint8_t {
  automatic,      // as last heard from the peer; until then with the pseudo-header
  pseudo_header,  // as keepalived and FRR send by default
  rfc9568,        // the message only
};

/// Version 2 only, RFC 2338 section 5.3.6. RFC 3768 has `none` alone.
enum class AuthenticationType : std::uint8_t { none = 0, password = 1, header = 2 };
using Password = std::array<std::byte, 8>;  // shorter ones are filled with zeros

/// How strictly the HMAC trailer is asked for, in the order of a roll-out.
enum class AuthenticationMode : std::uint8_t {
  receive,     // adverts are sent without, taken with and without
  permissive,  // sent with, taken with and without
  enforce,     // sent with, taken with only
};

enum class ReplayProtection : std::uint8_t {
  time,       // fresh by the clock, and growing from each sender
  monotonic,  // growing from each sender; for nodes whose clocks disagree
};

struct AuthenticationKey {
  std::uint8_t id = 1;
  std::vector<std::byte> secret;  // 32 to 64 bytes

  friend bool operator==(const AuthenticationKey&, const AuthenticationKey&) = default;
};

/// The HMAC trailer, draft-cassen-vrrp-auth-hmac.
struct AuthenticationOptions {
  std::vector<AuthenticationKey> keys;  // different ids; any of them is accepted
  std::uint8_t key_id = 1;              // the one to sign with
  AuthenticationMode mode = AuthenticationMode::enforce;
  ReplayProtection replay = ReplayProtection::time;
  std::chrono::seconds window = 0s;  // 0: the larger of 5 s and three intervals

  friend bool operator==(const AuthenticationOptions&, const AuthenticationOptions&) = default;
};

/// An address and the length of its network.
struct VirtualAddress {
  IpAddress address;
  std::uint8_t prefix_length = 32;

  friend bool operator==(const VirtualAddress&, const VirtualAddress&) = default;
};

/// A link that the node needs beside the instance's own.
struct TrackedInterface {
  std::string interface;
  std::uint8_t penalty = 0;  // off the priority while it is down; 0: without it the node cannot serve

  friend bool operator==(const TrackedInterface&, const TrackedInterface&) = default;
};

/// A cluster whose loss makes the node worth less: all of its backends are down.
struct TrackedCluster {
  std::string cluster;
  std::uint8_t penalty = 1;  // off the priority

  friend bool operator==(const TrackedCluster&, const TrackedCluster&) = default;
};

enum class WitnessKind : std::uint8_t { icmp, arp, tcp };

/// Somebody whom an active router must be able to reach: without any of them the node is the isolated one.
struct Witness {
  WitnessKind kind = WitnessKind::icmp;  // arp: the neighbour solicitation of RFC 4861 for IPv6
  IpAddress address;
  std::uint16_t port = 0;  // tcp

  friend bool operator==(const Witness&, const Witness&) = default;
};

/// Whether the addresses have a MAC address of their own, RFC 9568 section 7.3.
enum class VirtualMac : std::uint8_t { no, yes };

/// `[[vrrp]]`: one virtual router.
struct Options {
  std::string name;
  std::string interface;
  VirtualRouterId id{1};
  Priority priority{100};
  Duration interval = 100ms;  // version 3: 10 ms to 40.95 s in steps of 10 ms; version 2: whole seconds, 1 to 255
  Version version = Version::v3;
  Preempt preempt = Preempt::no;
  Duration preempt_delay = 0s;            // from when a lower active router is first heard
  Duration startup_delay = 0s;            // listen this much longer before the first election
  std::vector<VirtualAddress> addresses;  // of one family; IPv6: the link-local one first
  std::vector<IpAddress> peers;           // unicast; empty: multicast
  ChecksumOption checksum = ChecksumOption::automatic;
  std::optional<Password> password;  // version 2 only
  std::optional<AuthenticationOptions> authentication;
  std::string sync_group;  // all of a group are active or none; empty: on its own
  VirtualMac virtual_mac = VirtualMac::no;
  std::vector<TrackedInterface> track_interfaces;
  std::vector<TrackedCluster> track_clusters;
  std::vector<Witness> witnesses;  // one of them must answer; empty: none is asked
  std::string notify;              // program run on a change of state; empty: none

  friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace tandem::vrrp
