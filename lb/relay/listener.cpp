#include "lb/relay/listener.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"
#include "net/socket.hpp"
#include "net/socket_address.hpp"

namespace tandem::lb::relay {

namespace {

void apply_socket_options(const net::Fd& socket, const ListenerOptions& options) {
  // accepted sockets inherit them, which saves six calls per client
  net::set_nodelay(socket, options.tcp_nodelay);
  net::set_keepalive(socket, {options.keepalive_idle, options.keepalive_interval, options.keepalive_count});
}

Error cannot_listen(const ListenerOptions& options, const Endpoint& bind, const Error& cause) {
  return Error{concat("listener \"", options.name, "\": cannot listen on ", to_string(bind), ": ", cause.text)};
}

/// SO_REUSEPORT lets any process of the same user share a port in silence; a socket without it does not.
Result<void> probe_free(const Endpoint& bind, net::AddressPresence presence) {
  Result<net::Fd> probe = net::bind_tcp(bind, net::SharePort::no, presence);
  if (!probe) {
    return probe.error();
  }
  return {};
}

/// Whether one of the two is the wildcard of the other. The kernel gives a client to the more specific one.
bool is_wildcard_beside(const Endpoint& one, const Endpoint& other) {
  return one.port == other.port && one.address.family() == other.address.family() && one.address != other.address &&
         (one.address.is_unspecified() || other.address.is_unspecified());
}

Result<std::vector<net::Fd>> bind_for_workers(Endpoint bind, net::AddressPresence presence, std::size_t workers,
                                              std::span<const Endpoint> ours) {
  // The probe would collide with our own sockets on the wildcard, which share the port with these.
  const bool is_beside_ours =
      std::any_of(ours.begin(), ours.end(), [&](const Endpoint& one) { return is_wildcard_beside(one, bind); });
  const bool is_ours = std::find(ours.begin(), ours.end(), bind) != ours.end();
  if (bind.port != 0 && (is_ours || !is_beside_ours)) {
    if (Result<void> free = probe_free(bind, presence); !free) {
      return free.error();
    }
  }
  std::vector<net::Fd> sockets;
  for (std::size_t worker = 0; worker < workers; ++worker) {
    Result<net::Fd> socket = net::bind_tcp(bind, net::SharePort::yes, presence);
    if (!socket) {
      return socket.error();
    }
    if (bind.port == 0) {
      bind.port = net::local_endpoint(*socket).value_or(bind).port;  // the others share what the first one got
    }
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

}  // namespace

bool SpareFd::restore() {
  if (!fd_) {
    fd_ = net::Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
  return static_cast<bool>(fd_);
}

Listener::Listener(ListenerSpec spec, std::vector<net::Fd> sockets, OnReady on_ready)
    : spec_(std::move(spec)), on_ready_(std::move(on_ready)) {
  for (net::Fd& socket : sockets) {
    auto acceptor = std::make_unique<Acceptor>();
    acceptor->listener = this;
    acceptor->fd = std::move(socket);
    acceptors_.push_back(std::move(acceptor));
  }
}

void Listener::Acceptor::on_events(std::uint32_t) {
  if (fd) {
    ready = true;
    listener->on_ready_(*listener);
  }
}

void Listener::update(ListenerSpec spec) {
  spec_ = std::move(spec);
  for (const auto& acceptor : acceptors_) {
    apply_socket_options(acceptor->fd, options());
    static_cast<void>(net::listen(acceptor->fd, options().backlog));  // it listens already; only the length changes
  }
}

void Listener::look_again() noexcept {
  for (const auto& acceptor : acceptors_) {
    acceptor->ready = true;
  }
}

void Listener::watch(net::Reactor& reactor) {
  look_again();
  for (const auto& acceptor : acceptors_) {
    if (!reactor.add(acceptor->fd, *acceptor)) {
      acceptor->fd.close();
    }
  }
  on_ready_(*this);
}

Listener::Backlog Listener::accept(std::size_t& limit, std::size_t worker, SpareFd& spare,
                                   const std::function<void(Accepted)>& on_accepted) {
  Backlog whole = Backlog::drained;
  for (const auto& acceptor : acceptors_) {
    if (!acceptor->ready || !acceptor->fd) {
      continue;
    }
    const Backlog one = accept_from(*acceptor, limit, worker, spare, on_accepted);
    acceptor->ready = one != Backlog::drained;
    if (one != Backlog::drained && whole != Backlog::stuck) {
      whole = one;
    }
  }
  return whole;
}

Listener::Backlog Listener::accept_from(Acceptor& acceptor, std::size_t& limit, std::size_t worker, SpareFd& spare,
                                        const std::function<void(Accepted)>& on_accepted) {
  while (limit > 0) {
    net::SocketAddress peer;
    net::Fd fd(::accept4(acceptor.fd.get(), peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      --limit;
      on_accepted(Accepted{std::move(fd), peer.endpoint().value_or(Endpoint{})});
      continue;
    }
    switch (errno) {
      case EAGAIN: return Backlog::drained;
      case EMFILE:
      case ENFILE: {
        if (!spare.restore()) {
          return Backlog::stuck;
        }
        spare.give_up();
        net::Fd turned_away(::accept4(acceptor.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        const bool somebody = static_cast<bool>(turned_away);
        net::reset(turned_away);
        if (somebody) {
          state().stats[worker].rejected[static_cast<std::size_t>(Rejection::no_fd)].add();
          --limit;
        }
        if (!spare.restore() || !somebody) {
          return Backlog::stuck;
        }
        break;
      }
      case ENOBUFS:
      case ENOMEM: return Backlog::stuck;
      default: break;  // that one client is gone already; accept(2) names a dozen such errors
    }
  }
  return Backlog::more;
}

void Listener::close() noexcept {
  for (const auto& acceptor : acceptors_) {
    acceptor->fd.close();
  }
}

Result<std::vector<std::vector<net::Fd>>> open_sockets(const ListenerSpec& spec, std::size_t workers,
                                                       std::span<const Endpoint> ours) {
  const ListenerOptions& options = *spec.options;
  const net::AddressPresence presence =
      spec.residence == Residence::virtual_address ? net::AddressPresence::later : net::AddressPresence::required;
  std::vector<std::vector<net::Fd>> sockets(workers);
  for (const Endpoint& bind : options.bind) {
    Result<std::vector<net::Fd>> bound = bind_for_workers(bind, presence, workers, ours);
    if (!bound) {
      return cannot_listen(options, bind, bound.error());
    }
    for (std::size_t worker = 0; worker < workers; ++worker) {
      sockets[worker].push_back(std::move((*bound)[worker]));
    }
  }
  for (const auto& of_worker : sockets) {
    for (std::size_t index = 0; index < of_worker.size(); ++index) {
      apply_socket_options(of_worker[index], options);
      if (Result<void> listening = net::listen(of_worker[index], options.backlog); !listening) {
        return cannot_listen(options, options.bind[index], listening.error());
      }
    }
  }
  return sockets;
}

}  // namespace tandem::lb::relay
