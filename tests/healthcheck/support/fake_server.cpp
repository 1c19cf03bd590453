#include "tests/healthcheck/support/fake_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/check.hpp"

namespace tandem::healthcheck::testing {

namespace {

Endpoint bind_to_loopback(int fd) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "loopback has a free port");
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return {IpAddress(std::array<std::uint8_t, 4>{127, 0, 0, 1}), ntohs(address.sin_port)};
}

}  // namespace

std::string Peer::read_some() {
  std::array<char, 4096> buffer{};
  const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
  return {buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}

std::string Peer::read_until(std::string_view end) {
  std::string out;
  while (out.find(end) == std::string::npos) {
    const std::string more = read_some();
    if (more.empty()) {
      break;
    }
    out += more;
  }
  return out;
}

bool Peer::write(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t count = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void Peer::finish() const { shutdown(fd_, SHUT_WR); }

Ending Peer::wait_end() {
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t count = recv(fd_, buffer.data(), buffer.size(), 0);
    if (count < 0) {
      return errno == ECONNRESET ? Ending::reset : Ending::still_there;
    }
    if (count == 0) {
      break;
    }
  }
  finish();
  pollfd after{fd_, 0, 0};
  poll(&after, 1, 100);  // POLLERR: a reset came after the FIN
  return (after.revents & POLLERR) != 0 ? Ending::reset : Ending::fin;
}

FakeServer::FakeServer(Serve serve)
    : serve_(std::move(serve)),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      endpoint_(bind_to_loopback(listener_)) {
  check(listen(listener_, 512) == 0, "a bound socket listens");
  thread_ = std::thread([this] { run(); });
}

void FakeServer::run() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0 || stopping_) {
      if (fd >= 0) {
        close(fd);
      }
      return;
    }
    ++accepted_;
    const timeval bound{5, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
    const std::lock_guard lock(mutex_);
    fds_.push_back(fd);
    connections_.emplace_back([this, fd] {
      Peer peer(fd);
      serve_(peer);
      peer.finish();
    });
  }
}

FakeServer::~FakeServer() {
  stopping_ = true;
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : fds_) {
      shutdown(fd, SHUT_RDWR);  // wakes whoever still reads
    }
  }
  for (std::thread& connection : connections_) {
    connection.join();
  }
  for (const int fd : fds_) {
    close(fd);
  }
  close(listener_);
}

ClosedPort::ClosedPort()
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), endpoint_(bind_to_loopback(fd_)) {}

ClosedPort::~ClosedPort() { close(fd_); }

void ClosedPort::listen(int backlog) const { check(::listen(fd_, backlog) == 0, "a bound socket listens"); }

}  // namespace tandem::healthcheck::testing
