#include <utility>
#include <variant>

#include "vrrp/router.hpp"

namespace tandem::vrrp {

const IpAddress& Router::destination(std::size_t copy) const {
  return options_.peers.empty() ? group_ : options_.peers[copy];
}

/// One advert for the group or for each peer: the copies say the same and carry the same signature.
template <class Use>
void Router::for_each_copy(Priority priority, WallTime wall, Use use) {
  if (!port_.transport || !self_) {
    return;
  }
  packet_.priority = priority;
  Route route{*self_, destination(0)};
  EncodedPacket encoded = encode(packet_, route, checksum_.towards(route.destination));
  const std::size_t message_size = encoded.view().size();
  if (authentication_) {
    authentication_->sign(encoded, route, checksum_.towards(route.destination), wall);
  }
  use(Bytes(encoded.view()), route);
  for (std::size_t copy = 1; copy < copies(); ++copy) {
    route.destination = destination(copy);
    write_checksum(encoded, message_size, route, checksum_.towards(route.destination));
    use(Bytes(encoded.view()), route);
  }
}

void Router::send(Priority priority, Moment moment) {
  std::size_t sent = 0;
  for_each_copy(priority, moment.wall, [&](Bytes advert, const Route& route) {
    if (port_.transport->send(advert, route)) {
      ++sent;
    } else {
      ++counters_.send_failures;
    }
  });
  counters_.adverts_sent += sent > 0 ? 1 : 0;
  will_changed_ = will_changed_ || authentication_;  // the farewell's signature has to be newer than this advert's
}

bool Router::bequeath_addresses(Will& will) const {
  return !is_active() || !port_.addresses || port_.addresses->bequeath(will);
}

bool Router::bequeath_farewell(Will& will, Moment moment) {
  bool fits = true;
  if (is_active()) {
    for_each_copy(kLeaving, moment.wall, [&](Bytes advert, const Route& route) {
      fits = port_.transport->bequeath(will, advert, route) && fits;
    });
  }
  return fits;
}

bool Router::receive(Moment moment) {
  if (!port_.transport) {
    return false;
  }
  const auto datagram = port_.transport->receive();
  if (!datagram) {
    return false;
  }
  if (const auto rejection = judge(*datagram, moment)) {
    ++counters_.rejected.at(static_cast<std::size_t>(*rejection));
  }
  return true;
}

/// Takes the datagram in, or says why not.
std::optional<Rejection> Router::judge(const Datagram& datagram, Moment moment) {
  const auto decoded = decode(datagram);
  if (const auto* rejection = std::get_if<Rejection>(&decoded)) {
    return *rejection;
  }
  const auto& received = std::get<Received>(decoded);
  Remarks remarks;
  if (const auto rejection = examine(received, expectation_, remarks)) {
    return rejection;
  }
  const auto forged =
      authentication_ ? authentication_->verify(received, moment.wall, remarks) : verify_without_keys(received);
  if (forged) {
    return forged;
  }
  ++counters_.adverts_received;
  for (std::size_t remark = 0; remark < kRemarkCount; ++remark) {
    counters_.remarked.at(remark) += remarks[remark] ? 1 : 0;
  }
  learn_checksum(received.route.source, received.checksum);
  take({received.packet.priority, received.packet.interval, received.route.source}, moment);
  return std::nullopt;
}

/// A farewell that somebody else sends for us has to be in the form that the peer understands, too.
void Router::learn_checksum(const IpAddress& source, ChecksumForm form) {
  const IpAddress& towards = options_.peers.empty() ? group_ : source;
  const ChecksumForm before = checksum_.towards(towards);
  checksum_.on_received(source, form);
  will_changed_ = will_changed_ || checksum_.towards(towards) != before;
}

}  // namespace tandem::vrrp
