#pragma once

#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/fd.hpp"

namespace tandem::net {

/// How a connection finds out that its peer is dead.
struct Keepalive {
  Duration idle{};
  Duration interval{};
  std::uint32_t count = 0;
};

/// May other sockets of this process bind the same address?
enum class SharePort { yes, no };

/// Must this host have the address, or may it come and go (IP_FREEBIND, IP_TRANSPARENT), as a virtual one does?
enum class AddressPresence { required, later };

/// A bound, not yet listening, non-blocking TCP socket. IPv6 ones take no IPv4. The error is the cause alone, such as
/// "Address already in use".
Result<Fd> bind_tcp(const Endpoint& endpoint, SharePort share, AddressPresence presence = AddressPresence::required);
Result<void> listen(const Fd& socket, std::uint32_t backlog);

/// A fresh non-blocking TCP socket of the address's family; on failure empty, errno says why.
Fd open_tcp(const IpAddress& address) noexcept;

/// Keepalive, and TCP_USER_TIMEOUT just under what it adds up to, so that unacknowledged data does not outlive it.
/// Sockets accepted from a listening one inherit both.
void set_keepalive(const Fd& socket, const Keepalive& keepalive) noexcept;
void set_nodelay(const Fd& socket, bool on) noexcept;

[[nodiscard]] std::optional<Endpoint> local_endpoint(const Fd& socket);
[[nodiscard]] std::optional<Endpoint> peer_endpoint(const Fd& socket);

/// Takes the socket's pending error, 0 if there is none.
[[nodiscard]] int take_error(const Fd& socket) noexcept;
/// Bytes written that the peer has not acknowledged yet.
[[nodiscard]] int unacknowledged(const Fd& socket) noexcept;

/// Closes with a reset instead of a FIN; what the peer has not got yet is dropped.
void reset(Fd& socket) noexcept;

}  // namespace tandem::net
