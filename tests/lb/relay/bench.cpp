#include "tests/lb/relay/bench.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <thread>
#include <unordered_map>

#include "base/random.hpp"
#include "net/socket.hpp"
#include "net/socket_address.hpp"

namespace tandem::lb::relay::test {

namespace {

Endpoint loopback(std::uint16_t port) { return {IpAddress(std::array<std::uint8_t, 4>{127, 0, 0, 1}), port}; }

bool readable(const net::Fd& fd, Duration patience) {
  pollfd one{fd.get(), POLLIN, 0};
  return ::poll(&one, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(patience).count())) > 0;
}

std::string text_of(const LogField& field) {
  if (const auto* text = std::get_if<std::string>(&field.value)) {
    return *text;
  }
  if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
    return std::to_string(*number);
  }
  return {};
}

}  // namespace

Peer::Peer(net::Fd fd) : fd_(std::move(fd)) {
  const timeval patience{std::chrono::duration_cast<std::chrono::seconds>(kPatience).count(), 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  net::set_nodelay(fd_, true);
}

bool Peer::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string Peer::receive(std::size_t size) const {
  std::string out(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t count = ::recv(fd_.get(), out.data() + got, size - got, 0);
    if (count <= 0) {
      break;
    }
    got += static_cast<std::size_t>(count);
  }
  out.resize(got);
  return out;
}

std::string Peer::receive_all() const {
  std::string out;
  for (;;) {
    const std::string part = receive(256 * 1024);
    if (part.empty()) {
      return out;
    }
    out += part;
  }
}

Peer::Ending Peer::ending(Duration patience) const {
  std::array<char, 65536> away{};
  while (readable(fd_, patience)) {
    const ssize_t count = ::recv(fd_.get(), away.data(), away.size(), 0);
    if (count == 0) {
      return Ending::fin;
    }
    if (count < 0) {
      return Ending::reset;
    }
  }
  return Ending::silent;
}

void Peer::finish() const { ::shutdown(fd_.get(), SHUT_WR); }

void Peer::reset() { net::reset(fd_); }

Endpoint Peer::local() const { return net::local_endpoint(fd_).value_or(Endpoint{}); }

Endpoint Peer::remote() const { return net::peer_endpoint(fd_).value_or(Endpoint{}); }

Peer connect_to(const Endpoint& endpoint) {
  net::Fd fd(::socket(endpoint.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const net::SocketAddress address(endpoint);
  if (::connect(fd.get(), address.get(), address.length) != 0) {
    return {};
  }
  return Peer(std::move(fd));
}

Server::Server(int backlog) : Server(loopback(0), backlog) {}

Server::Server(const Endpoint& address, int backlog) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;
  REQUIRE(::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
  const net::SocketAddress wanted(address);
  REQUIRE(::bind(fd_.get(), wanted.get(), wanted.length) == 0);
  REQUIRE(::listen(fd_.get(), backlog) == 0);
  address_ = net::local_endpoint(fd_).value();
}

Peer Server::accept(Duration patience) const {
  if (!readable(fd_, patience)) {
    return {};
  }
  return Peer(net::Fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

struct EchoServer::Thread {
  std::thread thread;
};

EchoServer::EchoServer() : stop_(::eventfd(0, EFD_CLOEXEC)), thread_(std::make_unique<Thread>()) {
  thread_->thread = std::thread([this] { run(); });
}

EchoServer::~EchoServer() {
  ::eventfd_write(stop_.get(), 1);
  thread_->thread.join();
}

void EchoServer::run() {
  const net::Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  const auto watch = [&](int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event);
  };
  watch(stop_.get());
  watch(server_.fd().get());
  std::unordered_map<int, Peer> clients;
  std::string bytes(65536, '\0');
  for (;;) {
    epoll_event event{};
    if (::epoll_wait(epoll.get(), &event, 1, -1) < 1) {
      continue;
    }
    if (event.data.fd == stop_.get()) {
      return;
    }
    if (event.data.fd == server_.fd().get()) {
      Peer client = server_.accept();
      accepted_.fetch_add(1);
      const int fd = client.fd().get();
      clients.emplace(fd, std::move(client));
      watch(fd);
      continue;
    }
    const ssize_t count = ::recv(event.data.fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count <= 0 ||
        !clients.at(event.data.fd).send(std::string_view(bytes).substr(0, static_cast<std::size_t>(count)))) {
      clients.erase(event.data.fd);
    }
  }
}

bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) {
      return false;
    }
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

Bench::Bench(std::size_t workers, std::uint32_t log_one_in) : workers_(workers) {
  Log log(
      [this](const LogEvent& event) {
        std::map<std::string, std::string> line;
        for (const LogField& field : event.fields) {
          line[std::string(field.key)] = text_of(field);
        }
        const std::lock_guard lock(mutex_);
        lines_.push_back(std::move(line));
      },
      LogLevel::info);
  plane_ = std::make_unique<RelayPlane>(RelayOptions{workers, 1, log_one_in}, std::move(log),
                                        [this](const ConnectFailed& failed) {
                                          const std::lock_guard lock(mutex_);
                                          reported_.push_back(failed);
                                        });
  plane_->start();
}

Bench::~Bench() { plane_->stop(); }

std::shared_ptr<Backend> Bench::backend(const Endpoint& address) {
  const std::uint32_t id = next_backend_++;
  return std::make_shared<Backend>(BackendId{id}, "cluster", "b" + std::to_string(id), address, workers_);
}

PoolSetup& Bench::pool(std::uint32_t id) {
  PoolSetup& setup = pools_[id];
  if (setup.options.name.empty()) {
    setup.options.name = "pool" + std::to_string(id);
    states_[id] = std::make_shared<PoolState>(workers_);
  }
  return setup;
}

void Bench::publish(std::vector<Sever> severs) {
  const auto applied = publish_later(std::move(severs));
  REQUIRE(eventually([&] { return applied->load(); }));
}

std::shared_ptr<std::atomic<bool>> Bench::publish_later(std::vector<Sever> severs) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->version = ++version_;
  for (const auto& [id, setup] : pools_) {
    auto view = std::make_shared<PoolView>();
    view->id = PoolId{id};
    view->generation = setup.generation;
    view->options = std::make_shared<const PoolOptions>(setup.options);
    view->state = states_.at(id);
    view->fallback = setup.fallback;
    for (std::size_t index = 0; index < setup.backends.size(); ++index) {
      view->candidates.push_back({setup.backends[index], 100, setup.tiers.empty() ? 0 : setup.tiers[index],
                                  setup.max_connections_per_backend, setup.role});
    }
    snapshot->pools.emplace(PoolId{id}, std::move(view));
  }
  auto applied = std::make_shared<std::atomic<bool>>(false);
  plane_->publish(std::move(snapshot), std::move(severs), [applied] { applied->store(true); });
  return applied;
}

Endpoint Bench::listen(ListenerOptions options, std::uint32_t listener, std::uint32_t pool) {
  if (options.name.empty()) {
    options.name = "front" + std::to_string(listener);
  }
  if (options.bind.empty()) {
    options.bind = {loopback(0)};
  }
  listener_states_[listener] = std::make_shared<ListenerState>(workers_);
  const Result<void> opened =
      plane_->open({ListenerId{listener}, std::make_shared<const ListenerOptions>(std::move(options)), PoolId{pool},
                    listener_states_[listener]});
  REQUIRE(opened.has_value());
  return plane_->endpoints(ListenerId{listener}).front();
}

void Bench::update(ListenerOptions options, std::uint32_t listener, std::uint32_t pool) {
  plane_->update({ListenerId{listener}, std::make_shared<const ListenerOptions>(std::move(options)), PoolId{pool},
                  listener_states_.at(listener)});
}

std::uint64_t Bench::closed(Cause cause, std::uint32_t pool) {
  return state(pool).stats.sum(
      [&](const PoolStats& one) { return one.closed[static_cast<std::size_t>(cause)].value(); });
}

std::uint64_t Bench::rejected(Rejection rejection, std::uint32_t listener) {
  return listener_state(listener).stats.sum(
      [&](const ListenerStats& one) { return one.rejected[static_cast<std::size_t>(rejection)].value(); });
}

std::uint64_t Bench::connect_failures(const Backend& backend, ConnectFailure failure) {
  return backend.stats.sum(
      [&](const BackendStats& one) { return one.connect_failures[static_cast<std::size_t>(failure)].value(); });
}

std::vector<std::map<std::string, std::string>> Bench::session_lines() {
  const std::lock_guard lock(mutex_);
  return lines_;
}

std::vector<ConnectFailed> Bench::reported() {
  const std::lock_guard lock(mutex_);
  return reported_;
}

std::string pattern(std::size_t size, std::uint64_t seed) {
  std::string out(size, '\0');
  Random random(seed);
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t word = random();
    out.replace(at, std::min<std::size_t>(8, size - at), reinterpret_cast<const char*>(&word),
                std::min<std::size_t>(8, size - at));
  }
  return out;
}

}  // namespace tandem::lb::relay::test
