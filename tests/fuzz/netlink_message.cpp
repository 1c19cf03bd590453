#include "net/netlink_message.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.hpp"
#include "vrrp/interface_table.hpp"

/// A datagram of the kernel. Nothing is read behind its end, and what a table has been told of does not outlive its
/// link.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  using namespace tandem;
  vrrp::InterfaceTable table;
  const Bytes all = std::as_bytes(std::span(input, size));
  Bytes rest = all;
  table.begin_dump();
  while (const auto message = net::next_message(rest)) {
    check(rest.size() < all.size(), "every message takes us further");
    (void)net::error_of(*message);
    (void)table.apply(*message);
    Bytes attributes = message->payload;
    while (net::next_attribute(attributes)) {
    }
  }
  for (const vrrp::InterfaceTable::Link& link : table.links()) {
    check(table.find(link.index) == &link, "an index names one link");
    check(vrrp::state_of(link).index == link.index, "a state is that of its link");
    for (const auto& address : link.addresses) {
      check(address.network.index == link.index, "an address lies on its link");
      check(table.find(link.index, address.network.address) != nullptr, "an address is found");
    }
  }
  table.begin_dump();
  (void)table.end_dump();
  check(table.links().empty(), "what is not told is gone");
  return 0;
}
