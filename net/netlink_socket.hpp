#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "net/fd.hpp"
#include "net/netlink_message.hpp"

namespace tandem::net {

using OnNetlinkMessage = std::function<void(const NetlinkMessage&)>;

/// Asks the kernel of this network namespace, NETLINK_ROUTE. The kernel answers within the call. One thread.
class NetlinkSocket {
 public:
  static Result<NetlinkSocket> open();

  /// Sends one request; 0 or the error number with which the kernel refused it. Allocates nothing.
  [[nodiscard]] int request(MutableBytes request);
  /// Sends all of `requests`, which lie one behind the other, in one call. `errors` has a place for each. Allocates
  /// nothing.
  void request_all(MutableBytes requests, std::span<int> errors);
  /// All there is, message by message. The error is the cause alone.
  Result<> dump(DumpOf what, const OnNetlinkMessage& on_message);

 private:
  explicit NetlinkSocket(Fd fd) : fd_(std::move(fd)), buffer_(kBufferSize) {}

  static constexpr std::size_t kBufferSize = 64UL * 1024;

  Result<bool> read_dump(std::uint32_t sequence, const OnNetlinkMessage& on_message);
  void drain();

  Fd fd_;
  std::uint32_t sequence_ = 0;
  std::vector<std::byte> buffer_;
};

/// What the kernel tells by itself about links and addresses. One thread.
class NetlinkSubscription {
 public:
  enum class Outcome : std::uint8_t {
    complete,  // everything was handed on
    lost,      // the kernel had no room for some: dump all of it again
  };

  static Result<NetlinkSubscription> open();

  /// Readable when something waits.
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Hands on what waits.
  Outcome receive(const OnNetlinkMessage& on_message);

 private:
  explicit NetlinkSubscription(Fd fd) : fd_(std::move(fd)), buffer_(kBufferSize) {}

  static constexpr std::size_t kBufferSize = 64UL * 1024;

  Fd fd_;
  std::vector<std::byte> buffer_;
};

}  // namespace tandem::net
