#include "app/demo/node.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "net/fd.hpp"

namespace tandem::app::demo {

namespace {

constexpr int kAnswerWithinMilliseconds = 200;

/// To a unix socket; empty when nobody listens there.
net::Fd connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  net::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? std::move(socket)
                                                                                                  : net::Fd();
}

/// Nobody else's process is to be hit.
bool is_own(pid_t pid) { return pid > 1; }

}  // namespace

Node::Node(const Stage& stage, std::size_t seat, std::string program, std::string directory, Doorway door)
    : stage_(stage),
      seat_(seat),
      program_(std::move(program)),
      directory_(std::move(directory)),
      door_(std::move(door)),
      log_(file("log")) {
  std::ofstream(file("toml")) << stage.config(seat, directory_);
}

Result<> Node::power_on(const Lan& lan) {
  auto network = NetworkNamespace::create();
  if (!network) {
    return network.error();
  }
  network_ = std::move(*network);
  if (auto watched = watch_addresses(); !watched) {
    return watched;
  }
  if (auto plugged = lan.plug_in(name(), network_, stage_.seats.at(seat_).address); !plugged) {
    return plugged;
  }
  auto forwarder = Child::fork([&] {
    if (setns(network_.fd().get(), CLONE_NEWNET) == 0) {
      forward(door_, stage_.admin);
    }
  });
  if (!forwarder) {
    return forwarder.error();
  }
  forwarder_ = std::move(*forwarder);
  auto process = Child::run({program_, "run", "-c", file("toml"), "--log-format", "text"}, log_file(), network_.fd());
  if (!process) {
    return process.error();
  }
  process_ = std::move(*process);
  powered_ = true;
  return {};
}

void Node::power_off(const Lan& lan) {
  powered_ = false;
  const auto serving = serving_pid();
  static_cast<void>(lan.pull_out(name()));  // it is there, or the machine never came up
  process_.kill();
  if (serving) {
    ::kill(*serving, SIGKILL);
  }
  forwarder_.kill();
  log_.read();  // what it said in its last moments nobody would have heard
  addresses_.reset();
  network_ = NetworkNamespace();
  holds_ = false;
}

Result<> Node::kill_serving() {
  const auto serving = serving_pid();
  if (!serving || *serving == process_.pid()) {
    return Error{concat(name(), ": no process of its own serves at ", file("sock"))};
  }
  ::kill(*serving, SIGKILL);
  return {};
}

Result<Child> Node::hand_over() const {
  return Child::run({program_, "handover", "--admin", file("sock")}, file("handover.log"), network_.fd());
}

void Node::stop() {
  powered_ = false;
  const auto serving = serving_pid();
  process_.kill();
  if (serving) {
    ::kill(*serving, SIGKILL);
  }
  forwarder_.kill();
}

bool Node::well() { return !powered_ || process_.running(); }

bool Node::ready() const {
  constexpr std::string_view question = "GET /readyz HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n";
  const net::Fd socket = connect_to(file("sock"));
  if (!socket || send(socket.get(), question.data(), question.size(), MSG_NOSIGNAL) < 0) {
    return false;
  }
  pollfd readable{socket.get(), POLLIN, 0};
  poll(&readable, 1, kAnswerWithinMilliseconds);
  std::array<char, 16> answer{};
  const ssize_t size = recv(socket.get(), answer.data(), answer.size(), MSG_DONTWAIT);
  return size > 0 && std::string_view(answer.data(), static_cast<std::size_t>(size)).starts_with("HTTP/1.1 200");
}

/// Who listens at the node's unix socket, by the kernel's word.
std::optional<pid_t> Node::serving_pid() const {
  const net::Fd socket = connect_to(file("sock"));
  ucred owner{};
  socklen_t size = sizeof(owner);
  const bool known = socket && getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &owner, &size) == 0;
  return known && is_own(owner.pid) ? std::optional(owner.pid) : std::nullopt;
}

Result<> Node::watch_addresses() {
  return network_.inside([&]() -> Result<> {
    auto subscription = net::NetlinkSubscription::open();
    if (!subscription) {
      return subscription.error();
    }
    addresses_.emplace(std::move(*subscription));
    return {};
  });
}

bool Node::refresh() {
  const bool before = holds_;
  if (addresses_) {
    addresses_->receive([&](const net::NetlinkMessage& message) {
      const auto address = net::read_address(message);
      if (address && address->address == stage_.shared) {
        holds_ = address->change == net::Change::present;
      }
    });
  }
  return holds_ != before;
}

}  // namespace tandem::app::demo
