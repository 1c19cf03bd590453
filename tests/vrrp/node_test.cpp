#include "vrrp/node.hpp"

#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/fd.hpp"
#include "net/wakeup.hpp"
#include "tests/vrrp/stringify.hpp"
#include "tests/vrrp/support.hpp"

namespace tandem::vrrp {
namespace {

using namespace std::chrono_literals;

/// Two ends of a wire between threads: what one sends the other receives.
struct Wire {
  net::Fd ends[2];

  Wire() {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    ends[0] = net::Fd(pair[0]);
    ends[1] = net::Fd(pair[1]);
  }
};

class WireTransport final : public Transport {
 public:
  WireTransport(int fd, IpAddress peer) : fd_(fd), peer_(peer) {}
  [[nodiscard]] int fd() const override { return fd_; }
  [[nodiscard]] std::optional<Datagram> receive() override {
    const ssize_t size = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
    if (size < 0) {
      return std::nullopt;
    }
    return Datagram{Bytes(buffer_).first(static_cast<std::size_t>(size)), {peer_, ip("224.0.0.18")}, 255};
  }
  bool send(Bytes advert, const Route& /*route*/) override {
    return ::send(fd_, advert.data(), advert.size(), MSG_NOSIGNAL) >= 0;
  }
  [[nodiscard]] bool bequeath(Will& will, Bytes advert, const Route& route) const override {
    return will.append({Will::Kind::ip_packet, 2, route.destination, advert});
  }

 private:
  int fd_;
  IpAddress peer_;
  std::array<std::byte, 2048> buffer_{};
};

class WireAddresses final : public Addresses {
 public:
  explicit WireAddresses(std::atomic<bool>& held) : held_(held) {}
  Result<> acquire() override {
    held_ = true;
    return {};
  }
  Result<> release() override {
    held_ = false;
    return {};
  }
  [[nodiscard]] bool complete() const override { return held_; }
  [[nodiscard]] bool any() const override { return held_; }
  void announce(std::uint8_t /*repeat*/) override {}
  [[nodiscard]] bool bequeath(Will& will) const override {
    return will.append({Will::Kind::netlink_request, 0, {}, as_bytes("remove")});
  }

 private:
  std::atomic<bool>& held_;
};

class WirePlatform final : public Platform, public Interfaces {
 public:
  WirePlatform(Wire& wire, int end, std::atomic<bool>& held) : wire_(wire), end_(end), held_(held) {}
  [[nodiscard]] Interfaces& interfaces() override { return *this; }
  Result<Port> open(const Options& options) override {
    if (options.name == "impossible") {
      return Error{"interface \"lan\": no room"};
    }
    Port port;
    port.transport = std::make_unique<WireTransport>(wire_.ends[end_].get(), ip(end_ == 0 ? "10.77.0.2" : "10.77.0.1"));
    port.addresses = std::make_unique<WireAddresses>(held_);
    port.warnings = {"net.ipv4.conf.all.arp_filter = 1"};
    return Result<Port>(std::move(port));
  }
  [[nodiscard]] int fd() const override { return -1; }
  bool refresh() override { return false; }
  [[nodiscard]] InterfaceState find(const std::string& /*name*/) const override {
    return {2, true, {}, ip(end_ == 0 ? "10.77.0.1" : "10.77.0.2"), std::nullopt, std::nullopt};
  }

 private:
  Wire& wire_;
  int end_;
  std::atomic<bool>& held_;
};

Options instance(int priority, Duration interval) {
  Options options;
  options.name = "front";
  options.interface = "lan";
  options.priority = Priority{static_cast<std::uint8_t>(priority)};
  options.interval = interval;
  options.addresses = {{ip("10.77.0.100"), 24}};
  return options;
}

/// A bounded wait.
template <class Condition>
bool comes_true(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!condition() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(200us);
  }
  return condition();
}

struct Pair {
  Wire wire;
  std::atomic<bool> held[2]{};
  std::atomic<std::uint64_t> beats{0};
  std::atomic<std::size_t> entries{0};  // in the will of the first node
  std::unique_ptr<Node> nodes[2];
  std::mutex mutex;  // of the peer link
  bool linked = false;

  NodeHooks hooks(int end) {
    NodeHooks hooks;
    hooks.beat = [this](Instant) { ++beats; };
    hooks.deposit = [this, end](const Will& will) {
      std::size_t count = 0;
      std::size_t offset = 0;
      while (will.next(offset)) {
        ++count;
      }
      if (end == 0) {
        entries = count;
      }
    };
    hooks.on_leaving = [this, end](const RouterKey& key) {
      const std::lock_guard lock(mutex);
      if (linked && nodes[1 - end]) {
        nodes[1 - end]->on_peer_leaving(key);
      }
    };
    hooks.on_active = [this, end](const RouterKey& key) {
      const std::lock_guard lock(mutex);
      if (linked && nodes[1 - end]) {
        nodes[1 - end]->on_peer_active(key);
      }
    };
    return hooks;
  }

  void start(int end) {
    auto node = std::make_unique<Node>(std::make_unique<WirePlatform>(wire, end, held[end]), hooks(end));
    const std::lock_guard lock(mutex);
    nodes[end] = std::move(node);
  }

  void link() {
    const std::lock_guard lock(mutex);
    linked = true;
  }

  ~Pair() {
    {
      const std::lock_guard lock(mutex);
      linked = false;
    }
    nodes[0].reset();
    nodes[1].reset();
  }
};

}  // namespace

TEST_SUITE("vrrp/node") {
  TEST_CASE("a handover between two threads with a link does not wait for the interval") {
    Pair pair;
    pair.start(0);
    pair.start(1);
    REQUIRE(pair.nodes[0]->configure({instance(150, 1s)}).has_value());
    REQUIRE(pair.nodes[1]->configure({instance(100, 1s)}).has_value());
    CHECK(pair.nodes[0]->warnings() == std::vector<std::string>{"net.ipv4.conf.all.arp_filter = 1"});
    REQUIRE(comes_true([&] { return pair.held[0].load(); }));
    REQUIRE(comes_true([&] { return pair.nodes[1]->status().at(0).active_router == ip("10.77.0.1"); }));
    CHECK(pair.entries == 2);
    pair.link();

    const auto before = std::chrono::steady_clock::now();
    pair.nodes[0]->hand_over(InstanceIndex{0});
    REQUIRE(comes_true([&] { return pair.held[1].load() && !pair.held[0].load(); }));
    const auto lasted = std::chrono::steady_clock::now() - before;

    MESSAGE("handed over in ", std::chrono::duration<double, std::milli>(lasted).count(), " ms");
    CHECK(lasted < 500ms);  // without a link: 609 ms
    REQUIRE(comes_true([&] { return pair.nodes[0]->status().at(0).state == State::backup; }));
    CHECK(pair.nodes[1]->status().at(0).state == State::active);
    CHECK(pair.nodes[1]->status().at(0).transitions.at(2) == 1);
    CHECK(pair.entries == 0);
  }

  TEST_CASE("a node that shuts down says when it holds nothing any more") {
    Pair pair;
    pair.start(0);
    REQUIRE(pair.nodes[0]->configure({instance(150, 10ms)}).has_value());
    REQUIRE(comes_true([&] { return pair.held[0].load(); }));
    CHECK_FALSE(pair.nodes[0]->is_shut_down());

    pair.nodes[0]->shut_down();

    CHECK(comes_true([&] { return pair.nodes[0]->is_shut_down(); }));
    CHECK_FALSE(pair.held[0]);
    const InstanceStatus status = pair.nodes[0]->status().at(0);
    CHECK(status.inabilities == std::vector<Inability>{Inability::shutting_down});
  }

  TEST_CASE("the end of a node gives everything away") {
    Pair pair;
    pair.start(0);
    REQUIRE(pair.nodes[0]->configure({instance(150, 10ms)}).has_value());
    REQUIRE(comes_true([&] { return pair.held[0].load() && pair.entries == 2; }));

    pair.nodes[0].reset();

    CHECK_FALSE(pair.held[0]);
    CHECK(pair.entries == 0);
  }

  TEST_CASE("a configuration that cannot be opened is refused and the old one goes on") {
    Pair pair;
    pair.start(0);
    REQUIRE(pair.nodes[0]->configure({instance(150, 10ms)}).has_value());
    Options impossible = instance(100, 10ms);
    impossible.name = "impossible";
    impossible.id = VirtualRouterId{9};

    const Result<> done = pair.nodes[0]->configure({instance(150, 10ms), impossible});

    REQUIRE(!done);
    CHECK(done.error().text == "vrrp \"impossible\": interface \"lan\": no room");
    CHECK(pair.nodes[0]->status().size() == 1);
  }

  TEST_CASE("a node turns for its hooks and measures its turns") {
    Pair pair;
    pair.start(0);
    const std::uint64_t before = pair.beats;

    REQUIRE(comes_true([&] { return pair.beats > before + 3; }));

    CHECK(pair.nodes[0]->status().empty());
    CHECK(pair.nodes[0]->turn_duration().value().cumulative.back() >= 3);
    CHECK(pair.nodes[0]->longest_turn() > Duration::zero());
    CHECK(pair.nodes[0]->mailbox_overflows() == 0);
  }

  TEST_CASE("the vrrp thread alone keeps the capabilities of the network") {
    if (::geteuid() != 0) {
      MESSAGE("skipped: only root can become another user");
      return;
    }
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      Pair pair;
      pair.start(0);
      const bool became = ::setresgid(65534, 65534, 65534) == 0 && ::setresuid(65534, 65534, 65534) == 0;
      const bool kept = pair.nodes[0]->keep_capabilities().has_value();
      bool seen = false;
      DIR* tasks = ::opendir("/proc/self/task");
      for (const dirent* task = ::readdir(tasks); task != nullptr; task = ::readdir(tasks)) {
        std::ifstream status("/proc/self/task/" + std::string(task->d_name) + "/status");
        std::string line;
        bool vrrp = false;
        while (std::getline(status, line)) {
          vrrp = vrrp || line == "Name:\tvrrp";
          seen = seen || (vrrp && line == "CapEff:\t0000000000003000");
        }
      }
      ::closedir(tasks);
      ::_exit(became && kept && seen ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
}

}  // namespace tandem::vrrp
