// What a client sees of a failover: a question over UDP and one over TCP every millisecond, each on its own, and the
// other end that answers with its name. Used by the tests of pairs and by bench/.
//
//   asker ask --target ADDRESS --udp PORT --tcp PORT   asks until SIGTERM; a line per question:
//   udp|tcp,SENT,ANSWERED,WHO
//                                                      in nanoseconds of the monotonic clock; ANSWERED 0: lost.
//                                                      gap,FROM,LENGTH, where it could not ask in time itself
//   asker serve --name NAME --udp PORT --tcp PORT      answers UDP on every address, TCP on --tcp-host
//   asker stalls [--above MICROSECONDS]                a line per time at which this machine did not let it run:
//   FROM,LENGTH

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using Nanoseconds = std::int64_t;

constexpr Nanoseconds kMillisecond = 1'000'000;

struct Options {
  std::string mode;
  std::string name = "?";
  std::string target = "127.0.0.1";
  std::string tcp_host = "::";
  std::uint16_t udp = 0;
  std::uint16_t tcp = 0;
  Nanoseconds every = kMillisecond;
  Nanoseconds deadline = 800 * kMillisecond;  // below the first retransmission of a SYN: what only that saves is lost
  Nanoseconds above = 2 * kMillisecond;
  int realtime = 0;  // priority of SCHED_FIFO
};

volatile std::sig_atomic_t is_over = 0;

void on_signal(int /*number*/) { is_over = 1; }

Nanoseconds now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return Nanoseconds{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "asker: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Address address(const std::string& host, std::uint16_t port) {
  Address made;
  if (host.find(':') != std::string::npos) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(made.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr);
    made.size = sizeof v6;
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(made.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    inet_pton(AF_INET, host.c_str(), &v4.sin_addr);
    made.size = sizeof v4;
  }
  return made;
}

int open_socket(const Address& to, int type) {
  const int fd = socket(to.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    fail("socket");
  }
  return fd;
}

void set_option(int fd, int level, int name) {
  const int one = 1;
  setsockopt(fd, level, name, &one, sizeof one);
}

void watch(int epoll, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    fail("epoll_ctl");
  }
}

/// Closes without a farewell: no port is left waiting on either side.
void drop(int fd) {
  const linger at_once{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
}

/// All questions of one kind, in the order in which they were asked.
class Questions {
 public:
  explicit Questions(const char* kind) : kind_(kind) {}

  std::uint64_t ask(Nanoseconds when) {
    sent_.push_back({when, false});
    return sent_.size() - 1;
  }
  void on_answer(std::uint64_t number, const std::string& who, Nanoseconds when) { settle(number, who, when); }
  void on_loss(std::uint64_t number) { settle(number, "", 0); }

  /// Gives up those that were asked before `when`; `forget` is told each.
  template <typename Forget>
  void expire(Nanoseconds when, Forget forget) {
    for (; oldest_ < sent_.size() && (sent_[oldest_].settled || sent_[oldest_].at <= when); ++oldest_) {
      if (!sent_[oldest_].settled) {
        forget(oldest_);
        on_loss(oldest_);
      }
    }
  }
  [[nodiscard]] bool all_settled() const { return oldest_ == sent_.size(); }

 private:
  struct Sent {
    Nanoseconds at;
    bool settled;
  };

  void settle(std::uint64_t number, const std::string& who, Nanoseconds when) {
    if (number >= sent_.size() || sent_[number].settled) {
      return;
    }
    sent_[number].settled = true;
    std::printf("%s,%lld,%lld,%s\n", kind_, static_cast<long long>(sent_[number].at), static_cast<long long>(when),
                who.c_str());
  }

  const char* kind_;
  std::vector<Sent> sent_;
  std::size_t oldest_ = 0;
};

class Asker {
 public:
  explicit Asker(const Options& options)
      : options_(options),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        udp_target_(address(options.target, options.udp)),
        tcp_target_(address(options.target, options.tcp)),
        udp_fd_(open_socket(udp_target_, SOCK_DGRAM)) {
    watch(epoll_, udp_fd_, EPOLLIN);
    timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    const timespec every{options.every / 1'000'000'000, options.every % 1'000'000'000};
    const itimerspec setting{every, every};
    timerfd_settime(timer_, 0, &setting, nullptr);
    watch(epoll_, timer_, EPOLLIN);
  }
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;
  ~Asker() {
    close(udp_fd_);
    close(timer_);
    close(epoll_);
  }

  void run() {
    Nanoseconds last_flush = 0;
    last_turn_ = now();
    while (is_over == 0 || !udp_.all_settled() || !tcp_.all_settled()) {
      wait();
      const Nanoseconds time = now();
      udp_.expire(time - options_.deadline, [](std::uint64_t) {});
      tcp_.expire(time - options_.deadline, [this](std::uint64_t number) { forget(number); });
      if (time - last_flush > 20 * kMillisecond) {
        std::fflush(stdout);
        last_flush = time;
      }
    }
  }

 private:
  void wait() {
    std::array<epoll_event, 128> events{};
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 10);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == timer_) {
        on_tick();
      } else if (event.data.fd == udp_fd_) {
        on_datagrams();
      } else {
        on_connection(event.data.fd);
      }
    }
  }

  void on_tick() {
    std::uint64_t ticks = 0;
    if (read(timer_, &ticks, sizeof ticks) != sizeof ticks || is_over != 0) {
      return;
    }
    const Nanoseconds time = now();
    if (time - last_turn_ > options_.every + 5 * kMillisecond) {
      std::printf("gap,%lld,%lld,\n", static_cast<long long>(last_turn_), static_cast<long long>(time - last_turn_));
    }
    last_turn_ = time;
    if (options_.udp != 0) {
      ask_udp();
    }
    if (options_.tcp != 0) {
      ask_tcp();
    }
  }

  void ask_udp() {
    const std::uint64_t number = udp_.ask(now());
    if (sendto(udp_fd_, &number, sizeof number, 0, udp_target_.get(), udp_target_.size) < 0) {
      udp_.on_loss(number);
    }
  }

  void ask_tcp() {
    const std::uint64_t number = tcp_.ask(now());
    const int fd = open_socket(tcp_target_, SOCK_STREAM);
    if (connect(fd, tcp_target_.get(), tcp_target_.size) != 0 && errno != EINPROGRESS) {
      tcp_.on_loss(number);
      close(fd);
      return;
    }
    watch(epoll_, fd, EPOLLIN | EPOLLRDHUP);
    number_of_[fd] = number;
    fd_of_[number] = fd;
  }

  void on_datagrams() {
    struct {
      std::uint64_t number;
      std::array<char, 64> name;
    } answer{};
    while (true) {
      const ssize_t got = recv(udp_fd_, &answer, sizeof answer, 0);
      if (got < 0) {
        return;
      }
      if (got > static_cast<ssize_t>(sizeof answer.number)) {
        const auto length = static_cast<std::size_t>(got) - sizeof answer.number;
        udp_.on_answer(answer.number, std::string(answer.name.data(), length), now());
      }
    }
  }

  void on_connection(int fd) {
    const auto known = number_of_.find(fd);
    if (known == number_of_.end()) {
      return;
    }
    const std::uint64_t number = known->second;
    std::array<char, 64> text{};
    const ssize_t got = recv(fd, text.data(), text.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    }
    if (got > 0) {
      std::string who(text.data(), static_cast<std::size_t>(got));
      who.resize(who.find_last_not_of("\r\n") + 1);
      tcp_.on_answer(number, who, now());
    } else {
      tcp_.on_loss(number);
    }
    forget(number);
  }

  void forget(std::uint64_t number) {
    const auto known = fd_of_.find(number);
    if (known != fd_of_.end()) {
      number_of_.erase(known->second);
      drop(known->second);
      fd_of_.erase(known);
    }
  }

  Options options_;
  int epoll_;
  int timer_ = -1;
  Address udp_target_;
  Address tcp_target_;
  int udp_fd_;
  Questions udp_{"udp"};
  Questions tcp_{"tcp"};
  std::unordered_map<int, std::uint64_t> number_of_;
  std::unordered_map<std::uint64_t, int> fd_of_;
  Nanoseconds last_turn_ = 0;
};

/// Answers a datagram from the address that it was sent to, which may be on this host for a moment only.
void echo(int fd, const std::string& name) {
  std::array<char, 256> data{};
  std::array<char, 128> control{};
  sockaddr_storage from{};
  iovec part{data.data(), sizeof(std::uint64_t)};
  msghdr message{};
  while (true) {
    message = {};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    part.iov_len = sizeof(std::uint64_t);
    if (recvmsg(fd, &message, 0) < 0) {
      return;
    }
    // The packet information that came goes back: it names our address, and the interface.
    std::memcpy(data.data() + sizeof(std::uint64_t), name.data(), name.size());
    part.iov_len += name.size();
    message.msg_flags = 0;
    sendmsg(fd, &message, 0);
  }
}

int serve(const Options& options) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const Address any = address("::", options.udp);
  const int udp = open_socket(any, SOCK_DGRAM);
  set_option(udp, IPPROTO_IPV6, IPV6_RECVPKTINFO);
  if (bind(udp, any.get(), any.size) != 0) {
    fail("bind udp");
  }
  const Address here = address(options.tcp_host, options.tcp);
  const int tcp = open_socket(here, SOCK_STREAM);
  set_option(tcp, SOL_SOCKET, SO_REUSEADDR);
  if (bind(tcp, here.get(), here.size) != 0 || listen(tcp, 4096) != 0) {
    fail("bind tcp");
  }
  watch(epoll, udp, EPOLLIN);
  watch(epoll, tcp, EPOLLIN);
  const std::string banner = options.name + "\n";
  while (is_over == 0) {
    epoll_event event{};
    if (epoll_wait(epoll, &event, 1, 1000) != 1) {
      continue;
    }
    if (event.data.fd == udp) {
      echo(udp, options.name);
      continue;
    }
    for (int fd = 0; (fd = accept4(tcp, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      send(fd, banner.data(), banner.size(), MSG_NOSIGNAL);
      close(fd);
    }
  }
  return 0;
}

int record_stalls(const Options& options) {
  Nanoseconds due = now();
  while (is_over == 0) {
    due += kMillisecond;
    const timespec until{due / 1'000'000'000, due % 1'000'000'000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
    const Nanoseconds time = now();
    if (time - due > options.above) {
      std::printf("%lld,%lld\n", static_cast<long long>(due), static_cast<long long>(time - due));
      std::fflush(stdout);
      due = time;
    }
  }
  return 0;
}

bool parse(int argc, char** argv, Options& options) {
  if (argc < 2) {
    return false;
  }
  options.mode = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const char* value = argv[i + 1];
    const long long number = std::strtoll(value, nullptr, 10);
    if (name == "--name") {
      options.name = std::string(value).substr(0, 60);
    } else if (name == "--target") {
      options.target = value;
    } else if (name == "--tcp-host") {
      options.tcp_host = value;
    } else if (name == "--udp") {
      options.udp = static_cast<std::uint16_t>(number);
    } else if (name == "--tcp") {
      options.tcp = static_cast<std::uint16_t>(number);
    } else if (name == "--every") {
      options.every = number * 1000;
    } else if (name == "--deadline") {
      options.deadline = number * 1000;
    } else if (name == "--above") {
      options.above = number * 1000;
    } else if (name == "--realtime") {
      options.realtime = static_cast<int>(number);
    } else {
      return false;
    }
  }
  return argc % 2 == 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    std::fputs(
        "usage: asker ask|serve|stalls [--target A] [--name N] [--udp PORT] [--tcp PORT] [--tcp-host A]\n"
        "             [--every US] [--deadline US] [--above US] [--realtime PRIORITY]\n",
        stderr);
    return 2;
  }
  std::signal(SIGTERM, on_signal);
  std::signal(SIGINT, on_signal);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (options.realtime > 0) {
    const sched_param priority{options.realtime};
    if (sched_setscheduler(0, SCHED_FIFO, &priority) != 0) {
      std::fputs("asker: no real-time priority here\n", stderr);
    }
  }
  if (options.mode == "serve") {
    return serve(options);
  }
  if (options.mode == "stalls") {
    return record_stalls(options);
  }
  if (options.mode != "ask") {
    return 2;
  }
  Asker(options).run();
  return 0;
}
