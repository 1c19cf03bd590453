#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "net/fd.hpp"
#include "vrrp/announcement.hpp"
#include "vrrp/packet.hpp"
#include "vrrp/platform.hpp"

namespace tandem::vrrp {

enum class Delivery : std::uint8_t { unicast, multicast };

/// The interface with the virtual MAC address, beside the one that it lies on.
struct VirtualLink {
  std::uint32_t index = 0;
  MacAddress mac{};
};

struct RawTransportOptions {
  std::string interface;
  std::uint32_t index = 0;  // of `interface`
  IpAddress::Family family = IpAddress::Family::v4;
  Delivery delivery = Delivery::multicast;
  std::optional<VirtualLink> virtual_link;
};

/// Adverts over a raw socket of protocol 112 that is bound to the interface. With a virtual MAC address multicast
/// adverts go out of the interface as frames from that address, RFC 9568 section 7.3; those to a peer keep the
/// interface's own, since asking for the peer's MAC address from the virtual one would confuse the peer.
class RawTransport final : public Transport {
 public:
  /// The error names the interface and the cause.
  static Result<std::unique_ptr<RawTransport>> open(const RawTransportOptions& options);

  [[nodiscard]] int fd() const override { return raw_.get(); }
  [[nodiscard]] std::optional<Datagram> receive() override;
  bool send(Bytes advert, const Route& route) override;
  [[nodiscard]] bool bequeath(Will& will, Bytes advert, const Route& route) const override;

 private:
  static constexpr std::size_t kBufferSize = 8192;  // longer ones are no adverts, and cut off

  RawTransport(const RawTransportOptions& options, net::Fd raw, net::Fd packet);

  std::optional<Datagram> receive_v4();
  std::optional<Datagram> receive_v6();
  bool send_frame(Bytes advert, const Route& route);
  [[nodiscard]] bool is_from_virtual_mac(const Route& route) const;

  std::uint32_t index_;
  IpAddress::Family family_;
  std::optional<VirtualLink> virtual_link_;
  net::Fd raw_;
  net::Fd packet_;  // for frames; only with a virtual MAC address
  std::uint16_t ipv4_id_ = 0;
  std::array<std::byte, kBufferSize> buffer_{};
};

}  // namespace tandem::vrrp
