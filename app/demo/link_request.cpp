#include "app/demo/link_request.hpp"

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include <cstddef>
#include <cstring>
#include <span>

#include "base/bytes.hpp"

namespace tandem::app::demo {

namespace {

/// Appends parts to one request; what is begun is an attribute until it is ended.
class LinkWriter {
 public:
  LinkWriter() {
    append(nlmsghdr{});
    append(up());
  }

  static ifinfomsg up() {
    ifinfomsg body{};
    body.ifi_change = IFF_UP;
    body.ifi_flags = IFF_UP;
    return body;
  }

  template <class Value>
  void append(const Value& value) {
    append(std::as_bytes(std::span(&value, 1)));
  }
  void append(Bytes bytes) {
    request_.insert(request_.end(), bytes.begin(), bytes.end());
    request_.resize(NLMSG_ALIGN(request_.size()));
  }
  [[nodiscard]] std::size_t begin(std::uint16_t type) {
    const std::size_t at = request_.size();
    append(rtattr{0, type});
    return at;
  }
  void end(std::size_t at) {
    const auto size = static_cast<std::uint16_t>(request_.size() - at);
    std::memcpy(request_.data() + at, &size, sizeof(size));
  }
  /// Its length is that of the value; only what lies between two attributes is filled up.
  void attribute(std::uint16_t type, Bytes value) {
    append(rtattr{static_cast<std::uint16_t>(RTA_LENGTH(value.size())), type});
    append(value);
  }
  void text(std::uint16_t type, const std::string& value) {
    attribute(type, std::as_bytes(std::span(value.c_str(), value.size() + 1)));
  }
  void number(std::uint16_t type, std::uint32_t value) { attribute(type, std::as_bytes(std::span(&value, 1))); }

  net::NetlinkRequest finished() {
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(request_.size());
    header.nlmsg_type = RTM_NEWLINK;
    header.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
    std::memcpy(request_.data(), &header, sizeof(header));
    return std::move(request_);
  }

 private:
  net::NetlinkRequest request_;
};

}  // namespace

net::NetlinkRequest add_bridge_request(const std::string& name, const MacAddress& mac) {
  LinkWriter request;
  request.text(IFLA_IFNAME, name);
  request.attribute(IFLA_ADDRESS, std::as_bytes(std::span(mac)));
  const std::size_t link = request.begin(IFLA_LINKINFO);
  request.text(IFLA_INFO_KIND, "bridge");
  request.end(link);
  return request.finished();
}

net::NetlinkRequest add_cable_request(const Cable& cable) {
  LinkWriter request;
  request.text(IFLA_IFNAME, cable.near);
  request.number(IFLA_MASTER, cable.bridge);
  const std::size_t link = request.begin(IFLA_LINKINFO);
  request.text(IFLA_INFO_KIND, "veth");
  const std::size_t settings = request.begin(IFLA_INFO_DATA);
  const std::size_t peer = request.begin(VETH_INFO_PEER);
  request.append(ifinfomsg{});
  request.text(IFLA_IFNAME, cable.far);
  request.number(IFLA_NET_NS_FD, static_cast<std::uint32_t>(cable.far_network));
  request.end(peer);
  request.end(settings);
  request.end(link);
  return request.finished();
}

}  // namespace tandem::app::demo
