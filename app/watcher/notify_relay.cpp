#include "app/watcher/notify_relay.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include "app/service_notify.hpp"

namespace tandem::app {

namespace {

/// More than systemd itself reads of one message (its NOTIFY_BUFFER_MAX is a page).
constexpr std::size_t kMessageMax = 8192;
/// So many in one go: the watcher has other things to look at too.
constexpr int kMessagesAtOnce = 64;

Error last_error() { return Error{std::system_category().message(errno)}; }

/// Who has sent it, as the kernel says; 0 when it does not.
pid_t sender_of(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
      ucred credentials{};
      std::memcpy(&credentials, CMSG_DATA(header), sizeof(credentials));
      return credentials.pid;
    }
  }
  return 0;
}

}  // namespace

NotifyRelay::NotifyRelay(net::Fd socket, std::string name) : socket_(std::move(socket)), name_(std::move(name)) {}

Result<NotifyRelay> NotifyRelay::open() {
  net::Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // A bare family asks for a free abstract name, unix(7): nothing to clean up, and any user may write to it.
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(sa_family_t)) != 0) {
    return last_error();
  }
  socklen_t size = sizeof(address);
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return last_error();
  }
  const std::size_t length = size - offsetof(sockaddr_un, sun_path);
  std::string name(address.sun_path, length);
  name.at(0) = '@';
  return NotifyRelay(std::move(socket), std::move(name));
}

void NotifyRelay::pass_on(pid_t process) const {
  for (int turn = 0; turn < kMessagesAtOnce; ++turn) {
    std::array<char, kMessageMax> text{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};  // no room for descriptors sent along
    iovec piece{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) {
      return;
    }
    if (process != 0 && sender_of(message) == process && (message.msg_flags & MSG_TRUNC) == 0) {
      service_notify({text.data(), static_cast<std::size_t>(size)});
    }
  }
}

void NotifyRelay::lead_here(pid_t watcher) const {
  ::setenv("NOTIFY_SOCKET", name_.c_str(), 1);
  const char* meant = std::getenv("WATCHDOG_PID");
  if (std::getenv("WATCHDOG_USEC") != nullptr && (meant == nullptr || std::to_string(watcher) == meant)) {
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  }
}

}  // namespace tandem::app
