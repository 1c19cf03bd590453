#include "lb/relay/transfer.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace tandem::lb::relay {

void Channel::on_events(std::uint32_t events) noexcept {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    readable = true;
  }
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    hung_up = true;
  }
  if ((events & EPOLLERR) != 0) {
    broken = true;
  }
  if ((events & EPOLLOUT) != 0) {
    blocked = false;
  }
}

Progress Transfer::run(Channel& from, Channel& to, Buffer& scratch, BufferPool& buffers) {
  for (std::size_t moved = 0; moved < kBytesPerTurn; moved += scratch.size()) {
    if (to.broken) {
      drop(buffers);
      return ending_ == Ending::none ? Progress::waiting : end();  // what `to` sent before decides
    }
    if (!flush(to, buffers)) {
      return Progress::waiting;
    }
    if (ending_ != Ending::none) {
      ending_ = from.broken ? Ending::reset : ending_;  // also after its FIN
      return end();
    }
    if (!from.readable || to.blocked) {
      return Progress::waiting;
    }
    const ssize_t count = ::recv(from.fd.get(), scratch.data(), scratch.size(), 0);
    if (count > 0) {
      const Bytes bytes = Bytes(scratch).first(static_cast<std::size_t>(count));
      received_ += bytes.size();
      // a short read has emptied the socket, and the next arrival is a new edge
      from.readable = bytes.size() == scratch.size() || from.hung_up;
      const std::size_t taken = send(bytes, to);
      if (taken < bytes.size()) {
        keep(bytes.subspan(taken), buffers);
      }
      continue;
    }
    if (count < 0 && errno == EINTR) {
      continue;
    }
    from.readable = false;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return Progress::waiting;
    }
    // a reset may have been told already by a failed send, and reads as the end of the stream then
    from.broken = from.broken || count < 0;
    ending_ = from.broken ? Ending::reset : Ending::fin;
  }
  return Progress::more;
}

void Transfer::send_first(Bytes bytes, Channel& to, BufferPool& buffers) {
  const std::size_t taken = send(bytes, to);
  if (taken < bytes.size()) {
    keep(bytes.subspan(taken), buffers);
  }
}

std::size_t Transfer::send(Bytes bytes, Channel& to) {
  for (;;) {
    const ssize_t count = ::send(to.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      to.blocked = static_cast<std::size_t>(count) < bytes.size();
      sent_ += static_cast<std::size_t>(count);
      return static_cast<std::size_t>(count);
    }
    if (errno == EINTR) {
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      to.blocked = true;
    } else {
      to.broken = true;
      to.readable = true;
    }
    return 0;
  }
}

bool Transfer::flush(Channel& to, BufferPool& buffers) {
  if (!kept_) {
    return true;
  }
  if (to.blocked) {
    return false;
  }
  kept_begin_ += send(Bytes(*kept_).subspan(kept_begin_, kept_end_ - kept_begin_), to);
  if (kept_begin_ < kept_end_) {
    return to.broken;  // then run() drops it
  }
  drop(buffers);
  return true;
}

void Transfer::keep(Bytes rest, BufferPool& buffers) {
  kept_ = buffers.take();
  std::memcpy(kept_->data(), rest.data(), rest.size());
  kept_begin_ = 0;
  kept_end_ = rest.size();
}

void Transfer::drop(BufferPool& buffers) {
  if (kept_) {
    buffers.give_back(std::move(kept_));
  }
}

}  // namespace tandem::lb::relay
