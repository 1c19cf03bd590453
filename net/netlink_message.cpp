#include "net/netlink_message.hpp"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace tandem::net {
namespace {

constexpr std::size_t kAlignment = 4;
constexpr std::uint16_t kAttributeTypeMask = 0x3fff;  // NLA_TYPE_MASK is an int

std::size_t aligned(std::size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

/// Host byte order, as netlink writes its numbers.
template <class Value>
std::optional<Value> read(Bytes at) {
  if (at.size() < sizeof(Value)) {
    return std::nullopt;
  }
  Value value{};
  std::memcpy(&value, at.data(), sizeof(Value));
  return value;
}

Bytes behind(Bytes all, std::size_t size) { return all.subspan(std::min(aligned(size), all.size())); }

std::string_view read_text(Bytes value) {
  const std::string_view text = as_text(value);
  return text.substr(0, text.find('\0'));
}

std::optional<IpAddress> read_ip(Bytes value, std::uint8_t family) {
  if (family == AF_INET) {
    const auto bytes = read<std::array<std::uint8_t, 4>>(value);
    return bytes && value.size() == 4 ? std::optional(IpAddress(*bytes)) : std::nullopt;
  }
  const auto bytes = read<std::array<std::uint8_t, 16>>(value);
  return bytes && value.size() == 16 ? std::optional(IpAddress(*bytes)) : std::nullopt;
}

std::string_view read_kind(Bytes link_info) {
  while (const auto attribute = next_attribute(link_info)) {
    if (attribute->type == IFLA_INFO_KIND) {
      return read_text(attribute->value);
    }
  }
  return {};
}

void read_into(LinkMessage& link, const NetlinkAttribute& attribute) {
  switch (attribute.type) {
    case IFLA_IFNAME: link.name = read_text(attribute.value); break;
    case IFLA_IFALIAS: link.alias = read_text(attribute.value); break;
    case IFLA_LINK: link.parent = read<std::uint32_t>(attribute.value).value_or(0); break;
    case IFLA_LINKINFO: link.kind = read_kind(attribute.value); break;
    case IFLA_ADDRESS:
      if (attribute.value.size() == 6) {
        link.mac = read<std::array<std::uint8_t, 6>>(attribute.value);
      }
      break;
    default: break;
  }
}

/// Appends to one request, whose length it keeps right.
class RequestWriter {
 public:
  template <class Body>
  RequestWriter(std::uint16_t type, std::uint16_t flags, const Body& body) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    append(std::as_bytes(std::span(&header, 1)));
    append(std::as_bytes(std::span(&body, 1)));
  }

  RequestWriter& attribute(std::uint16_t type, Bytes value) {
    const nlattr header{static_cast<std::uint16_t>(NLA_HDRLEN + value.size()), type};
    append(std::as_bytes(std::span(&header, 1)));
    append(value);
    return *this;
  }
  template <class Number>
  RequestWriter& number(std::uint16_t type, Number value) {
    return attribute(type, std::as_bytes(std::span(&value, 1)));
  }
  RequestWriter& text(std::uint16_t type, std::string_view value) {
    const std::string ended(value);
    return attribute(type, std::as_bytes(std::span(ended.c_str(), ended.size() + 1)));
  }
  RequestWriter& ip(std::uint16_t type, const IpAddress& value) {
    return attribute(type, std::as_bytes(std::span(value.bytes()).first(value.size())));
  }
  /// What is written until end() lies in an attribute of this type.
  std::size_t begin(std::uint16_t type) {
    const std::size_t at = request_.size();
    attribute(type, {});
    return at;
  }
  RequestWriter& end(std::size_t begun_at) {
    const auto size = static_cast<std::uint16_t>(request_.size() - begun_at);
    std::memcpy(request_.data() + begun_at, &size, sizeof(size));
    return *this;
  }

  NetlinkRequest finished() {
    const auto size = static_cast<std::uint32_t>(request_.size());
    std::memcpy(request_.data(), &size, sizeof(size));
    return std::move(request_);
  }

 private:
  void append(Bytes bytes) {
    request_.insert(request_.end(), bytes.begin(), bytes.end());
    request_.resize(aligned(request_.size()));
  }

  NetlinkRequest request_;
};

ifaddrmsg body_of(const NetworkAddress& address) {
  ifaddrmsg body{};
  body.ifa_family = address.address.is_v4() ? AF_INET : AF_INET6;
  body.ifa_prefixlen = address.prefix_length;
  body.ifa_scope = RT_SCOPE_UNIVERSE;
  body.ifa_index = address.index;
  return body;
}

ifinfomsg body_of_link(std::uint32_t index) {
  ifinfomsg body{};
  body.ifi_family = AF_UNSPEC;
  body.ifi_index = static_cast<int>(index);
  return body;
}

}  // namespace

std::optional<NetlinkMessage> next_message(Bytes& rest) {
  const auto header = read<nlmsghdr>(rest);
  if (!header || header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > rest.size()) {
    return std::nullopt;
  }
  const Bytes payload = rest.first(header->nlmsg_len).subspan(sizeof(nlmsghdr));
  rest = behind(rest, header->nlmsg_len);
  return NetlinkMessage{header->nlmsg_type, header->nlmsg_flags, header->nlmsg_seq, payload};
}

std::optional<NetlinkAttribute> next_attribute(Bytes& rest) {
  const auto header = read<nlattr>(rest);
  if (!header || header->nla_len < sizeof(nlattr) || header->nla_len > rest.size()) {
    return std::nullopt;
  }
  const Bytes value = rest.first(header->nla_len).subspan(sizeof(nlattr));
  rest = behind(rest, header->nla_len);
  return NetlinkAttribute{static_cast<std::uint16_t>(header->nla_type & kAttributeTypeMask), value};
}

std::optional<int> error_of(const NetlinkMessage& message) {
  if (message.type != NLMSG_ERROR && message.type != NLMSG_DONE) {
    return std::nullopt;
  }
  const int negative = read<int>(message.payload).value_or(0);
  return negative < 0 && negative > -4096 ? -negative : 0;
}

std::optional<LinkMessage> read_link(const NetlinkMessage& message) {
  const auto body = read<ifinfomsg>(message.payload);
  const bool is_link = message.type == RTM_NEWLINK || message.type == RTM_DELLINK;
  if (!is_link || !body || body->ifi_family != AF_UNSPEC || body->ifi_index <= 0) {
    return std::nullopt;
  }
  LinkMessage link;
  link.change = message.type == RTM_NEWLINK ? Change::present : Change::gone;
  link.index = static_cast<std::uint32_t>(body->ifi_index);
  link.flags = body->ifi_flags;
  Bytes attributes = behind(message.payload, sizeof(*body));
  while (const auto attribute = next_attribute(attributes)) {
    read_into(link, *attribute);
  }
  return link;
}

std::optional<AddressMessage> read_address(const NetlinkMessage& message) {
  const auto body = read<ifaddrmsg>(message.payload);
  const bool is_address = message.type == RTM_NEWADDR || message.type == RTM_DELADDR;
  if (!is_address || !body || (body->ifa_family != AF_INET && body->ifa_family != AF_INET6)) {
    return std::nullopt;
  }
  AddressMessage result;
  result.change = message.type == RTM_NEWADDR ? Change::present : Change::gone;
  result.index = body->ifa_index;
  result.prefix_length = body->ifa_prefixlen;
  result.scope = body->ifa_scope;
  result.flags = body->ifa_flags;
  std::optional<IpAddress> address;
  std::optional<IpAddress> local;  // where the other end has an address too, that is the first one
  Bytes attributes = behind(message.payload, sizeof(*body));
  while (const auto attribute = next_attribute(attributes)) {
    switch (attribute->type) {
      case IFA_ADDRESS: address = read_ip(attribute->value, body->ifa_family); break;
      case IFA_LOCAL: local = read_ip(attribute->value, body->ifa_family); break;
      case IFA_FLAGS: result.flags = read<std::uint32_t>(attribute->value).value_or(result.flags); break;
      case IFA_RT_PRIORITY: result.metric = read<std::uint32_t>(attribute->value).value_or(0); break;
      case IFA_PROTO: result.protocol = read<std::uint8_t>(attribute->value).value_or(0); break;
      default: break;
    }
  }
  if (!address && !local) {
    return std::nullopt;
  }
  result.address = local ? *local : *address;
  return result;
}

void set_sequence(MutableBytes request, std::uint32_t sequence) {
  std::memcpy(request.data() + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof(sequence));
}

void set_acknowledged(MutableBytes request) {
  std::uint16_t flags = 0;
  std::memcpy(&flags, request.data() + offsetof(nlmsghdr, nlmsg_flags), sizeof(flags));
  flags |= NLM_F_ACK;
  std::memcpy(request.data() + offsetof(nlmsghdr, nlmsg_flags), &flags, sizeof(flags));
}

NetlinkRequest add_address_request(const NetworkAddress& address, const AddressMark& mark) {
  RequestWriter request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body_of(address));
  request.ip(IFA_LOCAL, address.address).ip(IFA_ADDRESS, address.address);
  if (!address.address.is_v4()) {
    constexpr std::uint32_t forever = 0xffffffff;
    ifa_cacheinfo lifetime{};
    lifetime.ifa_prefered = 0;
    lifetime.ifa_valid = forever;
    request.number(IFA_CACHEINFO, lifetime).number<std::uint32_t>(IFA_FLAGS, IFA_F_NODAD);
  }
  if (mark.metric != 0) {
    request.number(IFA_RT_PRIORITY, mark.metric);
  }
  if (mark.protocol != 0) {
    request.number(IFA_PROTO, mark.protocol);
  }
  return request.finished();
}

NetlinkRequest remove_address_request(const NetworkAddress& address) {
  RequestWriter request(RTM_DELADDR, 0, body_of(address));
  return request.ip(IFA_LOCAL, address.address).ip(IFA_ADDRESS, address.address).finished();
}

NetlinkRequest set_link_request(std::uint32_t index, LinkState state) {
  ifinfomsg body = body_of_link(index);
  body.ifi_change = IFF_UP;
  body.ifi_flags = state == LinkState::up ? static_cast<unsigned>(IFF_UP) : 0U;
  return RequestWriter(RTM_NEWLINK, 0, body).finished();
}

NetlinkRequest add_macvlan_request(const Macvlan& macvlan) {
  RequestWriter request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body_of_link(0));
  request.text(IFLA_IFNAME, macvlan.name).number(IFLA_LINK, macvlan.parent).number(IFLA_ADDRESS, macvlan.mac);
  const std::size_t info = request.begin(IFLA_LINKINFO);
  request.text(IFLA_INFO_KIND, "macvlan");
  const std::size_t settings = request.begin(IFLA_INFO_DATA);
  request.number<std::uint32_t>(IFLA_MACVLAN_MODE, MACVLAN_MODE_PRIVATE).end(settings).end(info);
  return request.finished();
}

NetlinkRequest set_alias_request(std::uint32_t index, std::string_view alias) {
  return RequestWriter(RTM_SETLINK, 0, body_of_link(index)).text(IFLA_IFALIAS, alias).finished();
}

NetlinkRequest remove_link_request(std::uint32_t index) {
  return RequestWriter(RTM_DELLINK, 0, body_of_link(index)).finished();
}

NetlinkRequest dump_request(DumpOf what) {
  if (what == DumpOf::links) {
    return RequestWriter(RTM_GETLINK, NLM_F_DUMP, body_of_link(0)).finished();
  }
  return RequestWriter(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}).finished();
}

}  // namespace tandem::net
