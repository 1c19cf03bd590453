#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "net/fd.hpp"

namespace tandem::admin {

/// A plain blocking client that sends any bytes. Reading gives up after 20 s, so no test hangs.
class Wire {
 public:
  static Wire tcp(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return Wire(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  static Wire unix_socket(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    return Wire(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }

  /// False: the other side is gone.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return false;
      }
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end() { shutdown(fd_.get(), SHUT_WR); }

  /// Reads until `text` has come; false: the other side closed, or said nothing for too long.
  bool read_until(std::string_view text) {
    while (received.find(text) == std::string::npos) {
      if (!read_some()) {
        return false;
      }
    }
    return true;
  }
  /// Everything until the other side closes.
  std::string read_all() {
    while (read_some()) {
    }
    return received;
  }
  /// One response with its Content-Length, taken off `received`; empty: none came.
  std::string read_response() {
    if (!read_until("\r\n\r\n")) {
      return "";
    }
    const std::size_t head = received.find("\r\n\r\n") + 4;
    const std::size_t at = received.find("Content-Length: ");
    const std::size_t body = at < head ? std::strtoul(received.c_str() + at + 16, nullptr, 10) : 0;
    while (received.size() < head + body) {
      if (!read_some()) {
        return "";
      }
    }
    const std::string response = received.substr(0, head + body);
    received.erase(0, head + body);
    return response;
  }
  [[nodiscard]] bool closed_by_reset() const { return reset_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

  std::string received;

 private:
  Wire(int family, const sockaddr* address, socklen_t size) : fd_(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{20, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd_.get(), address, size) != 0) {
      throw std::runtime_error("cannot connect");
    }
  }

  bool read_some() {
    char buffer[16384];
    const ssize_t length = recv(fd_.get(), buffer, sizeof buffer, 0);
    if (length <= 0) {
      reset_ = length < 0 && errno == ECONNRESET;
      return false;
    }
    received.append(buffer, static_cast<std::size_t>(length));
    return true;
  }

  net::Fd fd_;
  bool reset_ = false;
};

/// The status of a response; 0: there is none.
inline unsigned status_of(std::string_view response) {
  constexpr std::string_view start = "HTTP/1.1 ";
  if (!response.starts_with(start) && !response.starts_with("HTTP/1.0 ")) {
    return 0;
  }
  return static_cast<unsigned>(std::strtoul(std::string(response.substr(start.size(), 3)).c_str(), nullptr, 10));
}

}  // namespace tandem::admin
