#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "base/guarded.hpp"
#include "base/text.hpp"
#include "net/fd.hpp"
#include "net/socket.hpp"
#include "net/socket_address.hpp"
#include "peer/codec.hpp"
#include "peer/link.hpp"
#include "peer/tls.hpp"

namespace tandem::peer {

using namespace std::chrono_literals;

inline Instant real_now() { return std::chrono::steady_clock::now(); }

/// Looks every 200 us, for 10 s at most.
template <class Condition>
bool eventually(const Condition& condition) {
  const Instant until = real_now() + 10s;
  while (!condition()) {
    if (real_now() > until) {
      return false;
    }
    std::this_thread::sleep_for(200us);
  }
  return true;
}

/// Removed with what is in it.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "tandem-peer-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// The path of a new file.
  [[nodiscard]] std::string write(std::string_view name, std::string_view content, mode_t mode = 0600) const {
    std::string path = (path_ / name).string();
    std::ofstream(path) << content;
    ::chmod(path.c_str(), mode);
    return path;
  }
  [[nodiscard]] std::string path(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline Endpoint loopback(std::uint16_t port) { return {*IpAddress::parse("127.0.0.1"), port}; }

/// A port of this host that nobody listens on, until a Link does: both may be bound, as neither listened at that time.
class Port {
 public:
  Port() : socket_(*net::bind_tcp(loopback(0), net::SharePort::no)) {}

  [[nodiscard]] Endpoint endpoint() const { return *net::local_endpoint(socket_); }

 private:
  net::Fd socket_;
};

/// Writes down what a Link says.
struct Recorder {
  struct Heard {
    std::vector<std::pair<std::string, Instant>> events;  // "leaving 4/51", "up", "lost"
    std::vector<View> views;
    std::vector<std::string> lines;  // of the log
  };

  Guarded<Heard> heard;
  Guarded<View> whole;

  void note(std::string event) {
    const Instant now = real_now();
    heard.with([&](Heard& all) { all.events.emplace_back(std::move(event), now); });
  }
  static std::string name(const Router& router) {
    return concat(router.family == IpAddress::Family::v4 ? "4/" : "6/", router.id);
  }

  LinkHooks hooks() {
    LinkHooks hooks;
    hooks.on_leaving = [this](const Router& router) { note(concat("leaving ", name(router))); };
    hooks.on_active = [this](const Router& router) { note(concat("active ", name(router))); };
    hooks.on_view = [this](View view) { heard.with([&](Heard& all) { all.views.push_back(std::move(view)); }); };
    hooks.full_view = [this] { return whole.with([](const View& view) { return view; }); };
    hooks.on_up = [this] { note("up"); };
    hooks.on_lost = [this] { note("lost"); };
    hooks.on_goodbye = [this] { note("goodbye"); };
    return hooks;
  }

  Log log() {
    return Log(
        [this](const LogEvent& event) {
          std::string line(event.event);
          for (const LogField& field : event.fields) {
            if (const auto* text = std::get_if<std::string>(&field.value)) {
              line += concat(" ", field.key, "=", *text);
            }
          }
          heard.with([&](Heard& all) { all.lines.push_back(std::move(line)); });
        },
        LogLevel::debug);
  }

  std::size_t count(std::string_view event) {
    return heard.with([&](const Heard& all) {
      return static_cast<std::size_t>(
          std::ranges::count_if(all.events, [&](const auto& entry) { return entry.first == event; }));
    });
  }
  bool wait_for(std::string_view event, std::size_t times = 1) {
    return eventually([&] { return count(event) >= times; });
  }
  /// When it was heard last.
  Instant time_of(std::string_view event) {
    return heard.with([&](const Heard& all) {
      Instant time;
      for (const auto& entry : all.events) {
        time = entry.first == event ? entry.second : time;
      }
      return time;
    });
  }
  std::vector<std::string> events() {
    return heard.with([](const Heard& all) {
      std::vector<std::string> names;
      for (const auto& entry : all.events) {
        names.push_back(entry.first);
      }
      return names;
    });
  }
  /// How many lines of the log hold this.
  std::size_t lines_with(std::string_view text) {
    return heard.with([&](const Heard& all) {
      return static_cast<std::size_t>(
          std::ranges::count_if(all.lines, [&](const std::string& line) { return line.find(text) != line.npos; }));
    });
  }
  std::string all_lines() {
    return heard.with([](const Heard& all) { return join(all.lines, "\n"); });
  }
};

/// A node by hand: TCP, TLS and frames, one step at a time, each of at most 10 s.
class HandMade {
 public:
  HandMade(net::Fd socket, std::shared_ptr<const TlsContext> context, TlsRole role)
      : socket_(std::move(socket)), tls_(std::move(context), role) {}

  static net::Fd connect(const Endpoint& to) {
    net::Fd socket = net::open_tcp(to.address);
    const net::SocketAddress address(to);
    static_cast<void>(::connect(socket.get(), address.get(), address.length));
    pollfd waiting{socket.get(), POLLOUT, 0};
    ::poll(&waiting, 1, 10'000);
    return socket;
  }

  bool handshake() {
    for (;;) {
      const auto progress = tls_.handshake();
      push();
      if (progress != TlsChannel::Progress::wants_input) {
        return progress == TlsChannel::Progress::done;
      }
      if (!pull()) {
        return false;
      }
    }
  }
  void send_raw(std::string_view plain) {
    static_cast<void>(tls_.write(as_bytes(plain)));
    push();
  }
  void send(const Message& message) {
    std::string frame;
    encode(message, frame);
    send_raw(frame);
  }
  /// Nothing: the other end has hung up or says nothing.
  std::optional<Message> receive() {
    for (;;) {
      auto message = frames_.next();
      if (!message || *message) {
        return message ? *message : std::nullopt;
      }
      std::string plain;
      while (tls_.read(plain) == TlsChannel::Progress::done) {
      }
      if (!plain.empty()) {
        frames_.feed(as_bytes(plain));
      } else if (!pull()) {
        return std::nullopt;
      }
    }
  }
  /// Passes over everything else.
  template <class Wanted>
  std::optional<Wanted> receive_a() {
    while (auto message = receive()) {
      if (const auto* wanted = std::get_if<Wanted>(&*message)) {
        return *wanted;
      }
    }
    return std::nullopt;
  }
  net::Fd& socket() { return socket_; }
  [[nodiscard]] const std::string& error() const { return tls_.error(); }

 private:
  void push() {
    std::string out;
    tls_.take_output(out);
    std::size_t sent = 0;
    while (sent < out.size()) {
      const ssize_t count = ::send(socket_.get(), out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
      if (count > 0) {
        sent += static_cast<std::size_t>(count);
        continue;
      }
      pollfd waiting{socket_.get(), POLLOUT, 0};
      if (errno != EAGAIN || ::poll(&waiting, 1, 10'000) <= 0) {
        return;
      }
    }
  }
  bool pull() {
    pollfd waiting{socket_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 10'000) <= 0) {
      return false;
    }
    std::array<std::byte, 65'536> buffer;
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) {
      return false;
    }
    tls_.received(Bytes(buffer).first(static_cast<std::size_t>(count)));
    return true;
  }

  net::Fd socket_;
  TlsChannel tls_;
  FrameReader frames_;
};

}  // namespace tandem::peer
