// A client that opens many short connections at a fixed rate: connect, send a request, read to the end, next.
// Prints one JSON object with what became of them. Used by the tests against real systems.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  double rate = 2000;         // connections a second
  double seconds = 5;         // of opening new ones
  double timeout = 10;        // of one connection
  std::uint32_t sources = 4;  // loopback addresses to connect from, so that ports do not run out
};

enum class Stage { closed, connecting, reading };

struct Connection {
  Stage stage = Stage::closed;
  Clock::time_point opened;
  std::string answer;
};

struct Report {
  std::uint64_t attempted = 0;
  std::uint64_t ok = 0;
  std::uint64_t connect_failed = 0;
  std::uint64_t reset = 0;
  std::uint64_t empty = 0;  // ended in order, but without a byte
  std::uint64_t timed_out = 0;
  std::vector<double> milliseconds;
  std::map<std::string, std::uint64_t> answers;  // by the answer's last line
  std::map<int, std::uint64_t> errors;           // by errno
};

constexpr char kRequest[] = "GET / HTTP/1.0\r\nHost: load\r\n\r\n";

class Load {
 public:
  explicit Load(const Options& options) : options_(options), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    target_.sin_family = AF_INET;
    target_.sin_port = htons(options.port);
    inet_pton(AF_INET, options.host.c_str(), &target_.sin_addr);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() { close(epoll_); }

  Report run() {
    const auto start = Clock::now();
    const auto last =
        start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.seconds));
    while (true) {
      const auto now = Clock::now();
      if (now < last) {
        const std::chrono::duration<double> elapsed = now - start;
        const auto due = static_cast<std::uint64_t>(elapsed.count() * options_.rate);
        for (int burst = 0; report_.attempted < due && burst < 200; ++burst) {
          open_one();
        }
      } else if (open_ == 0) {
        break;
      }
      expire(now);
      wait();
    }
    return std::move(report_);
  }

 private:
  void open_one() {
    ++report_.attempted;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      ++report_.connect_failed;
      ++report_.errors[errno];
      return;
    }
    const int one = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(0x7f010001 + static_cast<std::uint32_t>(report_.attempted % options_.sources));
    bind(fd, reinterpret_cast<const sockaddr*>(&source), sizeof source);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&target_), sizeof target_) != 0 && errno != EINPROGRESS) {
      ++report_.connect_failed;
      ++report_.errors[errno];
      close(fd);
      return;
    }
    if (connections_.size() <= static_cast<std::size_t>(fd)) {
      connections_.resize(static_cast<std::size_t>(fd) + 1);
    }
    connections_[static_cast<std::size_t>(fd)] = {Stage::connecting, Clock::now(), {}};
    by_age_.push_back({fd, connections_[static_cast<std::size_t>(fd)].opened});
    ++open_;
    watch(fd, EPOLLOUT, EPOLL_CTL_ADD);
  }

  void watch(int fd, std::uint32_t events, int operation) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    epoll_ctl(epoll_, operation, fd, &event);
  }

  void wait() {
    std::array<epoll_event, 256> events{};
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      Connection& connection = connections_[static_cast<std::size_t>(fd)];
      if (connection.stage == Stage::connecting) {
        on_connected(fd, connection);
      } else if (connection.stage == Stage::reading) {
        on_readable(fd, connection);
      }
    }
  }

  void on_connected(int fd, Connection& connection) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      finish(fd, connection, report_.connect_failed, error);
      return;
    }
    if (send(fd, kRequest, sizeof kRequest - 1, MSG_NOSIGNAL) < 0) {
      finish(fd, connection, report_.reset, errno);
      return;
    }
    connection.stage = Stage::reading;
    watch(fd, EPOLLIN, EPOLL_CTL_MOD);
  }

  void on_readable(int fd, Connection& connection) {
    std::array<char, 4096> buffer{};
    while (true) {
      const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
      if (got > 0) {
        connection.answer.append(buffer.data(), static_cast<std::size_t>(got));
        continue;
      }
      if (got == 0) {
        finish(fd, connection, connection.answer.empty() ? report_.empty : report_.ok, 0);
      } else if (errno != EAGAIN) {
        finish(fd, connection, report_.reset, errno);
      }
      return;
    }
  }

  void finish(int fd, Connection& connection, std::uint64_t& counter, int error) {
    ++counter;
    if (error != 0) {
      ++report_.errors[error];
    }
    if (&counter == &report_.ok) {
      const std::chrono::duration<double, std::milli> took = Clock::now() - connection.opened;
      report_.milliseconds.push_back(took.count());
      std::string& text = connection.answer;
      while (!text.empty() && text.back() == '\n') {
        text.pop_back();
      }
      ++report_.answers[text.substr(text.rfind('\n') + 1)];
    }
    connection.stage = Stage::closed;
    --open_;
    close(fd);
  }

  void expire(Clock::time_point now) {
    const auto limit = std::chrono::duration<double>(options_.timeout);
    while (!by_age_.empty()) {
      const auto [fd, opened] = by_age_.front();
      Connection& connection = connections_[static_cast<std::size_t>(fd)];
      const bool is_over = connection.stage == Stage::closed || connection.opened != opened;
      if (!is_over && now - opened < limit) {
        return;
      }
      by_age_.pop_front();
      if (!is_over) {
        finish(fd, connection, report_.timed_out, 0);
      }
    }
  }

  struct Opened {
    int fd;
    Clock::time_point at;
  };

  Options options_;
  int epoll_;
  sockaddr_in target_{};
  std::vector<Connection> connections_;  // by fd
  std::deque<Opened> by_age_;
  std::uint64_t open_ = 0;
  Report report_;
};

double percentile(const std::vector<double>& sorted, double part) {
  return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

template <typename Key, typename Print>
void print_counts(const char* name, const std::map<Key, std::uint64_t>& counts, Print print_key) {
  std::printf(", \"%s\": {", name);
  const char* separator = "";
  for (const auto& [key, count] : counts) {
    std::printf("%s\"", separator);
    print_key(key);
    std::printf("\": %llu", static_cast<unsigned long long>(count));
    separator = ", ";
  }
  std::printf("}");
}

void print(Report& report, double seconds) {
  std::sort(report.milliseconds.begin(), report.milliseconds.end());
  std::printf(
      "{\"attempted\": %llu, \"ok\": %llu, \"connect_failed\": %llu, \"reset\": %llu, \"empty\": %llu, \"timed_out\": "
      "%llu",
      static_cast<unsigned long long>(report.attempted), static_cast<unsigned long long>(report.ok),
      static_cast<unsigned long long>(report.connect_failed), static_cast<unsigned long long>(report.reset),
      static_cast<unsigned long long>(report.empty), static_cast<unsigned long long>(report.timed_out));
  std::printf(", \"rate\": %.0f, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f",
              static_cast<double>(report.attempted) / seconds, percentile(report.milliseconds, 0.5),
              percentile(report.milliseconds, 0.99), percentile(report.milliseconds, 1));
  print_counts("answers", report.answers, [](const std::string& text) {
    for (const char c : text) {
      if (c >= ' ' && c != '"' && c != '\\') {
        std::putchar(c);
      }
    }
  });
  print_counts("errors", report.errors, [](int number) { std::printf("%d", number); });
  std::printf("}\n");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const char* value = argv[i + 1];
    if (name == "--host") {
      options.host = value;
    } else if (name == "--port") {
      options.port = static_cast<std::uint16_t>(std::strtoul(value, nullptr, 10));
    } else if (name == "--rate") {
      options.rate = std::strtod(value, nullptr);
    } else if (name == "--seconds") {
      options.seconds = std::strtod(value, nullptr);
    } else if (name == "--timeout") {
      options.timeout = std::strtod(value, nullptr);
    } else if (name == "--sources") {
      options.sources = static_cast<std::uint32_t>(std::strtoul(value, nullptr, 10));
    }
  }
  if (options.port == 0 || options.sources == 0) {
    std::fputs("usage: load --port N [--host A] [--rate N] [--seconds N] [--timeout N] [--sources N]\n", stderr);
    return 2;
  }
  Report report = Load(options).run();
  print(report, options.seconds);
  return 0;
}
