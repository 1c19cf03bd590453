#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "net/fd.hpp"
#include "net/socket.hpp"
#include "tests/vrrp/support.hpp"
#include "vrrp/witness.hpp"

namespace tandem::vrrp {

using namespace std::chrono_literals;

namespace {

constexpr Duration kPeriod = 50ms;
constexpr Duration kWithin = 5s;

Instant now() { return std::chrono::steady_clock::now(); }

std::string_view name_of(Reach reach) {
  switch (reach) {
    case Reach::unknown: return "unknown";
    case Reach::reachable: return "reachable";
    case Reach::silent: return "silent";
  }
  return "";
}

/// A process of ours with a network of its own, as root or in a user namespace. Its words come back; empty: the host
/// does not allow it.
std::string in_own_network(const std::function<std::string()>& work) {
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
  const net::Fd words(ends[0]);
  net::Fd pen(ends[1]);
  const uid_t user = geteuid();
  const gid_t group = getegid();
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const bool is_root = user == 0;
    std::string text;
    if (unshare(CLONE_NEWNET | (is_root ? 0 : CLONE_NEWUSER)) == 0) {
      if (!is_root) {
        std::ofstream("/proc/self/setgroups") << "deny";
        std::ofstream("/proc/self/uid_map") << concat("0 ", user, " 1");
        std::ofstream("/proc/self/gid_map") << concat("0 ", group, " 1");
      }
      text = work();
    }
    static_cast<void>(write(pen.get(), text.data(), text.size()));
    _exit(0);
  }
  pen.close();
  std::string text;
  std::array<char, 256> buffer{};
  for (ssize_t size = 0; (size = read(words.get(), buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  waitpid(child, nullptr, 0);
  return text;
}

/// The other end of the link: a process that only has a network of its own.
class FarEnd {
 public:
  FarEnd() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
      return;
    }
    const net::Fd ready(ends[0]);
    net::Fd ours(ends[1]);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      static_cast<void>(unshare(CLONE_NEWNET));
      const net::Fd open = listen();
      static_cast<void>(write(ours.get(), "r", 1));
      while (true) {
        pause();
      }
    }
    ours.close();
    char byte = 0;
    static_cast<void>(read(ready.get(), &byte, 1));
  }
  ~FarEnd() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  FarEnd(const FarEnd&) = delete;
  FarEnd& operator=(const FarEnd&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Runs a command in its network.
  bool run(const std::string& command) const {
    const pid_t child = fork();
    if (child == 0) {
      const net::Fd network(open(concat("/proc/", pid_, "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
      _exit(setns(network.get(), CLONE_NEWNET) == 0 && std::system(command.c_str()) == 0 ? 0 : 1);
    }
    int status = 1;
    waitpid(child, &status, 0);
    return status == 0;
  }

 private:
  static net::Fd listen() {
    auto socket = net::bind_tcp(Endpoint{IpAddress(), 8080}, net::SharePort::no);
    if (socket) {
      static_cast<void>(net::listen(*socket, 64));
    }
    return socket ? std::move(*socket) : net::Fd();
  }

  pid_t pid_ = 0;
};

bool run(const std::string& command) { return std::system(command.c_str()) == 0; }

constexpr std::string_view kV4 = "ip addr add 192.0.2.1/24 dev wb";
constexpr std::string_view kV6 = "ip addr add 2001:db8::1/64 dev wb nodad";

bool join(const FarEnd& far) {
  return run(concat("ip link add wa type veth peer name wb netns ", far.pid())) && run("ip link set wa up") &&
         run("ip addr add 192.0.2.9/24 dev wa") && run("ip addr add 2001:db8::9/64 dev wa nodad") &&
         far.run("ip link set wb up") && far.run(std::string(kV4)) && far.run(std::string(kV6));
}

/// Turns the watch as a driver would until it says `wanted`; what it says in the end.
Reach turn_until(WitnessWatch& watch, Reach wanted) {
  const Instant until = now() + kWithin;
  while (true) {
    const Instant turn = now();
    watch.on_events(turn);
    if (watch.reach(turn) == wanted || turn > until) {
      return watch.reach(turn);
    }
    const auto wait =
        std::chrono::ceil<std::chrono::milliseconds>(std::max<Duration>(0ms, watch.next_deadline() - now()));
    pollfd readable{watch.fd(), POLLIN, 0};
    poll(&readable, 1, static_cast<int>(wait.count()));
  }
}

struct Change {
  std::string near;  // a command on our side
  std::string far;   // and on the other
};

/// The story of one witness while the other end goes and comes back.
std::string story(const Witness& witness, const std::vector<std::pair<Change, Reach>>& changes) {
  return in_own_network([&]() -> std::string {
    const FarEnd far;
    if (!join(far)) {
      return "no link";
    }
    auto watch = WitnessWatch::open({witness}, "wa", kPeriod, now());
    if (!watch) {
      return watch.error().text;
    }
    std::string text(name_of(turn_until(*watch, Reach::reachable)));
    for (const auto& [change, wanted] : changes) {
      if ((!change.near.empty() && !run(change.near)) || (!change.far.empty() && !far.run(change.far))) {
        return concat(text, " and a command failed");
      }
      text += concat(", ", name_of(turn_until(*watch, wanted)));
    }
    return text;
  });
}

bool can_make_networks() {
  const std::string said =
      in_own_network([] { return std::string(run("ip link add wa type veth peer name wb") ? "y" : ""); });
  if (said.empty()) {
    MESSAGE("skipped: this host gives no network namespace to this user, or has no ip (package iproute2)");
  }
  return !said.empty();
}

std::vector<std::pair<Change, Reach>> goes_and_returns(std::string_view gone, std::string_view back) {
  return {{{{}, std::string(gone)}, Reach::silent}, {{{}, std::string(back)}, Reach::reachable}};
}

constexpr std::string_view kWentAndReturned = "reachable, silent, reachable";

}  // namespace

TEST_SUITE("vrrp/witness_watch") {
  TEST_CASE("a witness that loses its address falls silent and is heard again when it has it") {
    if (!can_make_networks()) {
      return;
    }
    for (const WitnessKind kind : {WitnessKind::icmp, WitnessKind::arp, WitnessKind::tcp}) {
      CAPTURE(static_cast<int>(kind));
      CHECK(story({kind, ip("192.0.2.1"), 8080}, goes_and_returns("ip addr flush dev wb scope global", kV4)) ==
            kWentAndReturned);
      CHECK(story({kind, ip("2001:db8::1"), 8080}, goes_and_returns("ip -6 addr del 2001:db8::1/64 dev wb", kV6)) ==
            kWentAndReturned);
    }
  }

  TEST_CASE("a witness behind a link that is down is silent") {
    if (!can_make_networks()) {
      return;
    }
    for (const WitnessKind kind : {WitnessKind::icmp, WitnessKind::arp, WitnessKind::tcp}) {
      CAPTURE(static_cast<int>(kind));
      CHECK(story({kind, ip("192.0.2.1"), 8080}, goes_and_returns("ip link set wb down", "ip link set wb up")) ==
            kWentAndReturned);
    }
  }

  TEST_CASE("a refused connect is an answer") {
    if (!can_make_networks()) {
      return;
    }
    CHECK(story({WitnessKind::tcp, ip("192.0.2.1"), 9}, {}) == "reachable");
    CHECK(story({WitnessKind::tcp, ip("2001:db8::1"), 9}, {}) == "reachable");
  }

  TEST_CASE("an interface that was made anew is found again") {
    if (!can_make_networks()) {
      return;
    }
    for (const WitnessKind kind : {WitnessKind::icmp, WitnessKind::arp}) {
      CAPTURE(static_cast<int>(kind));
      const std::string told = in_own_network([&]() -> std::string {
        FarEnd far;
        if (!join(far)) {
          return "no link";
        }
        auto watch = WitnessWatch::open({{kind, ip("192.0.2.1"), 0}}, "wa", kPeriod, now());
        if (!watch) {
          return watch.error().text;
        }
        std::string text(name_of(turn_until(*watch, Reach::reachable)));
        run("ip link del wa");
        text += concat(", ", name_of(turn_until(*watch, Reach::silent)));
        run("ip link add filler-a type veth peer name filler-b");  // so that the next one has another number
        join(far);
        return concat(text, ", ", name_of(turn_until(*watch, Reach::reachable)));
      });
      CHECK(told == kWentAndReturned);
    }
  }

  TEST_CASE("one witness of several is enough") {
    if (!can_make_networks()) {
      return;
    }
    const std::string told = in_own_network([&]() -> std::string {
      const FarEnd far;
      if (!join(far)) {
        return "no link";
      }
      auto watch = WitnessWatch::open({{WitnessKind::icmp, ip("192.0.2.77"), 0},
                                       {WitnessKind::tcp, ip("192.0.2.78"), 80},
                                       {WitnessKind::arp, ip("192.0.2.1"), 0}},
                                      "wa", kPeriod, now());
      if (!watch) {
        return watch.error().text;
      }
      turn_until(*watch, Reach::reachable);
      // Longer than the patience: the silent ones do not count.
      const Instant until = now() + 6 * kPeriod;
      while (now() < until) {
        if (turn_until(*watch, Reach::reachable) != Reach::reachable) {
          return "lost it";
        }
        pollfd readable{watch->fd(), POLLIN, 0};
        poll(&readable, 1, 10);
      }
      return "kept it";
    });
    CHECK(told == "kept it");
  }

  TEST_CASE("an interface that does not exist is named") {
    const auto watch = WitnessWatch::open({{WitnessKind::tcp, ip("192.0.2.1"), 80}}, "nosuch0", kPeriod, now());

    REQUIRE_FALSE(watch.has_value());
    CHECK(watch.error().text == "witnesses: interface \"nosuch0\" does not exist");
  }
}

}  // namespace tandem::vrrp
