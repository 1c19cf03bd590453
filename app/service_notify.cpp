#include "app/service_notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "net/fd.hpp"

namespace tandem::app {

void service_notify(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) {
    return;
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string_view name(path);
  if (name.size() >= sizeof(address.sun_path)) {
    return;
  }
  std::memcpy(address.sun_path, name.data(), name.size());
  if (name.front() == '@') {
    address.sun_path[0] = '\0';  // the abstract namespace
  }
  const net::Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) {
    return;
  }
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  // The result does not matter, see the header.
  static_cast<void>(::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&address), length));
}

std::optional<Duration> watchdog_interval() {
  const char* period = std::getenv("WATCHDOG_USEC");
  if (period == nullptr) {
    return std::nullopt;
  }
  const char* process = std::getenv("WATCHDOG_PID");
  if (process != nullptr && std::string_view(process) != std::to_string(::getpid())) {
    return std::nullopt;
  }
  const std::string_view text(period);
  std::uint64_t microseconds = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), microseconds);
  if (failure != std::errc{} || end != text.data() + text.size() || microseconds == 0) {
    return std::nullopt;
  }
  return std::chrono::microseconds(microseconds / 2);
}

}  // namespace tandem::app
