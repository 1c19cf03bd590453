#include "peer/connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "net/socket.hpp"

namespace tandem::peer {

namespace {

constexpr std::size_t kReadBytesMax = std::size_t{256} * 1024;  // of one turn

std::string cause_of(int error) { return std::generic_category().message(error); }

}  // namespace

Connection::Connection(net::Fd socket, std::shared_ptr<const TlsContext> context, TlsRole role)
    : socket_(std::move(socket)), tls_(std::move(context), role) {}

void Connection::fail(Trouble trouble, std::string reason) {
  if (!end_) {
    end_ = End{trouble, std::move(reason)};
  }
}

void Connection::finish_connect() {
  if (const int error = net::take_error(socket_); error != 0) {
    fail(Trouble::unreachable, cause_of(error));
  } else if (net::peer_endpoint(socket_)) {
    phase_ = Phase::handshaking;
    handshake();  // who calls speaks first
  }
}

void Connection::handshake() {
  switch (tls_.handshake()) {
    case TlsChannel::Progress::done:
      phase_ = Phase::open;
      established_ = true;
      break;
    case TlsChannel::Progress::wants_input: break;
    case TlsChannel::Progress::ended: fail(Trouble::ended, "it hangs up during the TLS handshake"); break;
    case TlsChannel::Progress::failed: fail(Trouble::refused, tls_.error()); break;
  }
}

void Connection::read_plain() {
  std::string plain;
  TlsChannel::Progress progress = TlsChannel::Progress::done;
  while (progress == TlsChannel::Progress::done) {
    progress = tls_.read(plain);
  }
  frames_.feed(as_bytes(plain));
  if (progress == TlsChannel::Progress::ended) {
    fail(Trouble::ended, "it hung up without a goodbye");
  } else if (progress == TlsChannel::Progress::failed) {
    fail(Trouble::refused, tls_.error());
  }
}

bool Connection::read_socket() {
  std::array<std::byte, std::size_t{64} * 1024> buffer;
  std::size_t total = 0;
  std::string over;
  bool more = true;
  while (more && over.empty() && total < kReadBytesMax) {
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count > 0) {
      total += static_cast<std::size_t>(count);
      tls_.received(Bytes(buffer).first(static_cast<std::size_t>(count)));
    } else if (count == 0) {
      over = "it hung up without a goodbye";
    } else if (errno == EAGAIN) {
      more = false;
    } else if (errno != EINTR) {
      over = cause_of(errno);
    }
  }
  heard_ = heard_ || total > 0;
  if (phase_ == Phase::handshaking && total > 0) {
    handshake();
  }
  if (phase_ == Phase::open && !end_) {
    read_plain();
  }
  if (!over.empty()) {
    fail(Trouble::ended, phase_ == Phase::handshaking ? "it hangs up during the TLS handshake" : over);
  } else if (!more && !broken_.empty()) {
    fail(Trouble::ended, broken_);
  }
  return more && !end_;
}

bool Connection::advance() {
  bool more = false;
  if (!end_ && phase_ == Phase::connecting && events_ != 0) {
    finish_connect();
  }
  if (!end_ && phase_ != Phase::connecting && events_ != 0) {
    events_ = 0;
    more = read_socket();
    events_ = more ? EPOLLIN : 0U;
  }
  flush();
  return more;
}

bool Connection::take_established() { return std::exchange(established_, false); }

bool Connection::take_heard() { return std::exchange(heard_, false); }

std::optional<Message> Connection::next_message() {
  if (end_ && end_->trouble == Trouble::refused) {
    return std::nullopt;
  }
  auto message = frames_.next();
  if (!message) {
    end_ = End{Trouble::refused, message.error().text};
    return std::nullopt;
  }
  return std::move(*message);
}

void Connection::send(const Message& message) {
  std::string frame;
  encode(message, frame);
  if (tls_.write(as_bytes(frame)) == TlsChannel::Progress::failed) {
    fail(Trouble::refused, tls_.error());
  }
}

void Connection::flush() {
  if (phase_ == Phase::connecting) {
    return;
  }
  tls_.take_output(out_);
  while (broken_.empty() && written_ < out_.size()) {
    const ssize_t count = ::send(socket_.get(), out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
    if (count >= 0) {
      written_ += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      broken_ = cause_of(errno);
      events_ |= EPOLLIN;  // a goodbye may have arrived before
    }
  }
  if (written_ == out_.size() || !broken_.empty()) {
    out_.clear();
    written_ = 0;
  }
}

void Connection::close(Duration patience) {
  using Clock = std::chrono::steady_clock;
  tls_.close();
  flush();
  const Instant until = Clock::now() + patience;
  bool said = false;
  std::array<char, 4096> ignored;
  for (;;) {
    if (is_drained() && !said) {
      ::shutdown(socket_.get(), SHUT_WR);
      said = true;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0 || !broken_.empty() || phase_ == Phase::connecting) {
      break;
    }
    pollfd waiting{socket_.get(), static_cast<short>(said ? POLLIN : POLLIN | POLLOUT), 0};
    ::poll(&waiting, 1, static_cast<int>(left));
    const ssize_t count = ::recv(socket_.get(), ignored.data(), ignored.size(), 0);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
      break;
    }
    flush();
  }
  socket_.close();
}

}  // namespace tandem::peer
