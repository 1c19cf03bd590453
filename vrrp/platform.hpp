#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "vrrp/announcement.hpp"
#include "vrrp/options.hpp"
#include "vrrp/packet.hpp"
#include "vrrp/will.hpp"

namespace tandem::vrrp {

/// What an interface looks like now.
struct InterfaceState {
  std::uint32_t index = 0;  // 0: it does not exist
  bool up = false;          // by its administrator, and it has a carrier
  MacAddress mac{};
  std::optional<IpAddress> source_v4;  // its first address that no instance of ours has put there
  std::optional<IpAddress> source_v6;  // its link-local address, usable
  // Its first IPv6 address of wider scope, likewise not ours: for peers that have such addresses.
  std::optional<IpAddress> source_v6_global = std::nullopt;

  friend bool operator==(const InterfaceState&, const InterfaceState&) = default;
};

/// The interfaces of this host, kept up to date. One thread.
class Interfaces {
 public:
  virtual ~Interfaces() = default;

  /// Readable when something may have changed; call refresh() then.
  [[nodiscard]] virtual int fd() const = 0;
  /// Takes in what the kernel has told since the last time; true when a link or an address changed.
  virtual bool refresh() = 0;
  [[nodiscard]] virtual InterfaceState find(const std::string& name) const = 0;
};

/// The adverts of one instance, from and to the wire. One thread; neither call blocks or allocates.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Readable when receive() would give something.
  [[nodiscard]] virtual int fd() const = 0;
  /// A datagram of protocol 112 that came in on the interface, meant for this transport's group or address; its bytes
  /// live until the next call. Nothing: none waits.
  [[nodiscard]] virtual std::optional<Datagram> receive() = 0;
  /// `advert` begins behind the IP header. False: the kernel did not take it.
  virtual bool send(Bytes advert, const Route& route) = 0;
  /// Adds to `will` the sending of `advert`. False: no room.
  [[nodiscard]] virtual bool bequeath(Will& will, Bytes advert, const Route& route) const = 0;
};

/// The virtual addresses of one instance on its interface, or on one of their own with the virtual MAC. One thread;
/// after the first use nothing allocates. The error names the address and the cause.
class Addresses {
 public:
  virtual ~Addresses() = default;

  /// Puts on what is missing. An address that somebody else had put there stays theirs, and is not removed later.
  virtual Result<> acquire() = 0;
  /// Takes off what we have put on. What was never ours stays.
  virtual Result<> release() = 0;
  /// Whether the kernel has all of them (`acquire` done and undisturbed), as of the last Interfaces::refresh().
  [[nodiscard]] virtual bool complete() const = 0;
  /// Whether the kernel has any that is ours.
  [[nodiscard]] virtual bool any() const = 0;
  /// Tells the neighbours `repeat` times for each address: gratuitous ARP, unsolicited neighbour advertisement.
  virtual void announce(std::uint8_t repeat) = 0;
  /// Adds to `will` the removal of what is ours now. False: no room.
  [[nodiscard]] virtual bool bequeath(Will& will) const = 0;
};

/// One instance's part of the kernel.
struct Port {
  std::unique_ptr<Transport> transport;
  std::unique_ptr<Addresses> addresses;
  std::vector<std::string> warnings;  // settings of this host that would make an address mute, with their values
};

/// The host. The kernel, or in tests a network in virtual time.
class Platform {
 public:
  virtual ~Platform() = default;

  [[nodiscard]] virtual Interfaces& interfaces() = 0;
  /// Opens what an instance needs; its interface exists and has a source address. Addresses of the instance that a
  /// predecessor left behind are taken off. Called again after the interface was made anew. The error names the
  /// interface and the cause.
  virtual Result<Port> open(const Options& options) = 0;
};

/// The kernel of this network namespace. Needs CAP_NET_ADMIN and CAP_NET_RAW; the error says so.
Result<std::unique_ptr<Platform>> open_host();

}  // namespace tandem::vrrp
