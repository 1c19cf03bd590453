#include "app/watcher/notify_relay.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "app/service_notify.hpp"
#include "watched.hpp"

namespace tandem::app {

using namespace std::chrono_literals;

namespace {

/// Stands for systemd.
class ServiceListener {
 public:
  struct Message {
    std::string text;
    pid_t sender = 0;
  };

  ServiceListener() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    REQUIRE(::setsockopt(socket_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    auto size = static_cast<socklen_t>(sizeof(sa_family_t));
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    size = sizeof(address);
    REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    name_.assign(address.sun_path, size - offsetof(sockaddr_un, sun_path));
    name_.at(0) = '@';
  }

  [[nodiscard]] const std::string& name() const { return name_; }

  /// An empty text: nothing comes within `patience`.
  [[nodiscard]] Message receive(std::chrono::milliseconds patience = 20s) const {
    pollfd polled{socket_.get(), POLLIN, 0};
    if (::poll(&polled, 1, static_cast<int>(patience.count())) != 1) {
      return {};
    }
    std::array<char, 4096> text{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
    iovec piece{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket_.get(), &message, 0);
    REQUIRE(size >= 0);
    ucred sender{};
    if (const cmsghdr* header = CMSG_FIRSTHDR(&message)) {
      std::memcpy(&sender, CMSG_DATA(header), sizeof(sender));
    }
    return {std::string(text.data(), static_cast<std::size_t>(size)), sender.pid};
  }

 private:
  net::Fd socket_;
  std::string name_;
};

Watched::Setting under_systemd(const ServiceListener& systemd, const char* watchdog_usec) {
  Watched::Setting setting;
  setting.before = [&systemd, watchdog_usec] {
    ::setenv("NOTIFY_SOCKET", systemd.name().c_str(), 1);
    ::setenv("WATCHDOG_USEC", watchdog_usec, 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  };
  return setting;
}

void note(Notes& notes, const std::string& text) {
  std::memcpy(notes.text.data(), text.data(), std::min(text.size(), notes.text.size() - 1));
  notes.text_ready = true;
}

void send_to(const std::string& name, const std::string& text) {
  const char* before = std::getenv("NOTIFY_SOCKET");
  const std::string kept = before != nullptr ? before : "";
  ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  service_notify(text);
  if (before != nullptr) {
    ::setenv("NOTIFY_SOCKET", kept.c_str(), 1);
  } else {
    ::unsetenv("NOTIFY_SOCKET");
  }
}

}  // namespace

TEST_SUITE("app/watcher/notify_relay") {
  TEST_CASE("what the child says reaches the service manager from the watcher") {
    const ServiceListener systemd;
    const Watched watched(
        [](Lifeline& lifeline, Notes& notes) {
          service_notify("READY=1\nSTATUS=serving");
          return Service{}(lifeline, notes);
        },
        under_systemd(systemd, "1000000"));

    const ServiceListener::Message message = systemd.receive();

    CHECK(message.text == "READY=1\nSTATUS=serving");
    CHECK(message.sender == watched.pid());
  }

  TEST_CASE("the last words of a child that ends are passed on") {
    const ServiceListener systemd;
    Watched watched(
        [](Lifeline& lifeline, Notes&) {
          lifeline.on_started();
          service_notify("STOPPING=1");
          return 0;
        },
        under_systemd(systemd, "1000000"));

    CHECK(watched.end() == 0);
    CHECK(systemd.receive().text == "STOPPING=1");
  }

  TEST_CASE("what a stranger says is not passed on") {
    const ServiceListener systemd;
    const Watched watched(
        [](Lifeline& lifeline, Notes& notes) {
          note(notes, std::getenv("NOTIFY_SOCKET"));
          while (!notes.may_start) {
            ::usleep(1000);
          }
          service_notify("READY=1");
          return Service{}(lifeline, notes);
        },
        under_systemd(systemd, "1000000"));
    REQUIRE(eventually([&] { return watched.notes().text_ready.load(); }));
    REQUIRE(systemd.name() != watched.notes().text.data());

    send_to(watched.notes().text.data(), "STOPPING=1");
    watched.notes().may_start = true;

    CHECK(systemd.receive().text == "READY=1");
    CHECK(systemd.receive(20ms).text.empty());
  }

  TEST_CASE("the watchdog is meant for the child") {
    const ServiceListener systemd;
    const Watched watched(
        [](Lifeline& lifeline, Notes& notes) {
          note(notes, watchdog_interval() ? to_string(*watchdog_interval()) : "none");
          return Service{}(lifeline, notes);
        },
        under_systemd(systemd, "3000000"));

    REQUIRE(eventually([&] { return watched.notes().text_ready.load(); }));
    CHECK(std::string(watched.notes().text.data()) == "1.5s");
  }

  TEST_CASE("between two lives the watcher feeds the watchdog and then no more") {
    const ServiceListener systemd;
    Watched::Setting setting = under_systemd(systemd, "20000");
    const Watched watched(
        [](Lifeline& lifeline, Notes& notes) {
          while (notes.lives == 2 && !notes.may_start) {
            ::usleep(1000);
          }
          return Service{}(lifeline, notes);
        },
        setting);
    REQUIRE(eventually([&] { return watched.notes().serving == 1; }));
    CHECK(systemd.receive(50ms).text.empty());  // the child has nothing to say

    ::kill(watched.notes().child, SIGKILL);

    CHECK(systemd.receive().text == "STATUS=the serving process died (SIGKILL) and is started anew");
    CHECK(systemd.receive().text == "WATCHDOG=1");
    REQUIRE(eventually([&] { return watched.notes().lives == 2; }));
    for (int fed = 0; fed < 5; ++fed) {
      REQUIRE(systemd.receive().text == "WATCHDOG=1");
    }
    watched.notes().may_start = true;
    REQUIRE(eventually([&] { return watched.notes().serving == 2; }));
    REQUIRE(eventually([&] { return systemd.receive(50ms).text.empty(); }));
    CHECK(systemd.receive(50ms).text.empty());
  }

  TEST_CASE("without a service manager the child has no socket to notify") {
    Watched::Setting setting;
    setting.before = [] { ::unsetenv("NOTIFY_SOCKET"); };
    const Watched watched(
        [](Lifeline& lifeline, Notes& notes) {
          note(notes, std::getenv("NOTIFY_SOCKET") == nullptr ? "none" : "one");
          return Service{}(lifeline, notes);
        },
        setting);

    REQUIRE(eventually([&] { return watched.notes().text_ready.load(); }));
    CHECK(std::string(watched.notes().text.data()) == "none");
  }
}

}  // namespace tandem::app
