#include "app/watcher/watcher.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "watched.hpp"

namespace tandem::app {

using namespace std::chrono_literals;

namespace {

bool serves(const Watched& watched, int lives = 1) {
  return eventually([&] { return watched.notes().serving >= lives; });
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What a process inherits: descriptors, blocked signals, name, policy, score.
std::string inheritance() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string file = std::filesystem::read_symlink(entry.path(), gone).string();
    if (!gone && file.rfind("/proc/", 0) != 0) {
      files.push_back(file);
    }
  }
  std::sort(files.begin(), files.end());
  std::string out;
  for (const std::string& file : files) {
    out += file + ";";
  }
  const std::string status = text_of("/proc/self/status");
  for (const char* key : {"Name:", "SigBlk:", "SigIgn:", "VmLck:"}) {
    const std::size_t at = status.find(key);
    out += status.substr(at, status.find('\n', at) - at) + ";";
  }
  const std::string score = text_of("/proc/self/oom_score_adj");
  return out + std::to_string(::sched_getscheduler(0)) + ";" + score.substr(0, score.find('\n'));
}

}  // namespace

TEST_SUITE("app/watcher") {
  TEST_CASE("a killed child has its will carried out and is started anew") {
    const Watched watched(Service{0s, 42});
    REQUIRE(serves(watched));
    const pid_t first = watched.notes().child;

    ::kill(first, SIGKILL);

    REQUIRE(serves(watched, 2));
    CHECK(watched.notes().executed == 1);
    CHECK(watched.notes().executed_tag == 42);
    CHECK(watched.notes().child != first);
    CHECK(watched.log().find("error child_died cause=SIGKILL pid=" + std::to_string(first)) != std::string::npos);
    CHECK(watched.log().find("restart_in=100ms") != std::string::npos);
  }

  TEST_CASE("the will of the life before is forgotten") {
    const Watched watched([](Lifeline& lifeline, Notes& notes) {
      return Service{0s, notes.lives == 1 ? 42U : 0U}(lifeline, notes);
    });
    REQUIRE(serves(watched));
    ::kill(watched.notes().child, SIGKILL);
    REQUIRE(serves(watched, 2));

    ::kill(watched.notes().child, SIGKILL);

    REQUIRE(serves(watched, 3));
    CHECK(watched.notes().executed == 1);
  }

  TEST_CASE("a child that cannot start the first time ends its watcher with the same status") {
    Watched watched([](Lifeline& lifeline, Notes&) {
      static_cast<void>(lifeline);
      return 3;
    });

    CHECK(watched.end() == 3);
    CHECK(watched.notes().lives == 1);
    CHECK(watched.log().empty());  // the child has said why
  }

  TEST_CASE("a child that dies before it serves the first time is not started anew") {
    Watched watched([](Lifeline&, Notes&) { return ::raise(SIGKILL); });

    CHECK(watched.end() == 137);
    CHECK(watched.notes().lives == 1);
    CHECK(watched.log().find("child_died cause=SIGKILL") != std::string::npos);
  }

  TEST_CASE("a child that ends by itself ends its watcher") {
    Watched watched([](Lifeline& lifeline, Notes&) {
      lifeline.on_started();
      return 0;
    });

    CHECK(watched.end() == 0);
    CHECK(watched.notes().lives == 1);
  }

  TEST_CASE("a later life that cannot start is tried again with growing waits") {
    Watched::Setting setting;
    setting.options.restarts = {20ms, 80ms, 60s};
    Watched watched(
        [](Lifeline& lifeline, Notes& notes) {
          if (notes.lives == 1) {
            lifeline.on_started();
          }
          return notes.lives < 5 ? 1 : 0;
        },
        setting);

    CHECK(watched.end() == 0);
    REQUIRE(watched.notes().lives == 5);
    const auto wait_before = [&](std::size_t life) {
      return Duration{watched.notes().births_ns[life] - watched.notes().births_ns[life - 1]};
    };
    CHECK(wait_before(1) >= 20ms);
    CHECK(wait_before(2) >= 40ms);
    CHECK(wait_before(3) >= 80ms);
    CHECK(wait_before(4) >= 80ms);
  }

  TEST_CASE("a stopped child is killed and its will carried out") {
    const Watched watched(Service{300ms, 42});
    REQUIRE(serves(watched));
    const pid_t first = watched.notes().child;

    ::kill(first, SIGSTOP);

    REQUIRE(serves(watched, 2));
    CHECK(watched.notes().executed == 1);
    CHECK(watched.log().find("error child_hangs pid=" + std::to_string(first)) != std::string::npos);
    CHECK(watched.log().find("bound=300ms") != std::string::npos);
  }

  TEST_CASE("a child that beats no more is killed") {
    const Watched watched([](Lifeline& lifeline, Notes& notes) {
      if (notes.lives == 1) {
        lifeline.deposit(will_of(42));
        lifeline.expect_beats(50ms);
        lifeline.on_started();
        ++notes.serving;
        for (;;) {
          ::pause();
        }
      }
      return Service{}(lifeline, notes);
    });

    REQUIRE(serves(watched, 2));
    CHECK(watched.notes().executed_tag == 42);
  }

  TEST_CASE("a silent child without a bound is left alone") {
    const Watched watched([](Lifeline& lifeline, Notes& notes) {
      lifeline.on_started();
      ++notes.serving;
      ::usleep(200'000);
      return Service{}(lifeline, notes);
    });

    REQUIRE(serves(watched, 2));
    CHECK(watched.notes().lives == 1);
    CHECK(watched.log().empty());
  }

  TEST_CASE("signals are passed on and the end of the child is the end") {
    Watched watched(Service{0s, 0, 2});
    REQUIRE(serves(watched));
    Notes& notes = watched.notes();

    for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGTERM}) {
      const auto number = static_cast<std::size_t>(signal);
      const int before = notes.signals[number];
      REQUIRE(::kill(watched.pid(), signal) == 0);
      REQUIRE(eventually([&] { return notes.signals[number] == before + 1; }));
    }

    CHECK(watched.end() == 0);
    CHECK(notes.signals[SIGTERM] == 2);
    CHECK(notes.lives == 1);
  }

  TEST_CASE("a signal that would kill a child that is starting waits until it serves") {
    Watched watched([](Lifeline& lifeline, Notes& notes) {
      while (!notes.may_start) {
        ::usleep(1000);
      }
      return Service{}(lifeline, notes);
    });
    REQUIRE(eventually([&] { return watched.notes().lives == 1; }));
    ::kill(watched.pid(), SIGHUP);
    ::usleep(20'000);  // for a wrong watcher to pass it on

    watched.notes().may_start = true;

    CHECK(eventually([&] { return watched.notes().signals[SIGHUP] == 1; }));
    CHECK(watched.notes().lives == 1);
  }

  TEST_CASE("a child that is killed while it ends is not started anew") {
    Watched watched(Service{0s, 42, 2});
    REQUIRE(serves(watched));
    ::kill(watched.pid(), SIGTERM);
    REQUIRE(eventually([&] { return watched.notes().signals[SIGTERM] == 1; }));

    ::kill(watched.notes().child, SIGKILL);

    CHECK(watched.end() == 137);
    CHECK(watched.notes().lives == 1);
    CHECK(watched.notes().executed == 1);
  }

  TEST_CASE("the order to end between two lives is carried out at once") {
    Watched::Setting setting;
    setting.options.restarts.first = 10min;
    Watched watched(Service{}, setting);
    REQUIRE(serves(watched));
    ::kill(watched.notes().child, SIGKILL);
    REQUIRE(eventually([&] { return watched.log().find("child_died") != std::string::npos; }));

    ::kill(watched.pid(), SIGTERM);

    CHECK(watched.end() == 0);
    CHECK(watched.notes().lives == 1);
  }

  TEST_CASE("a child sees that its watcher is gone") {
    Watched watched(Service{});
    REQUIRE(serves(watched));

    ::kill(watched.pid(), SIGKILL);

    CHECK(watched.end() == 1000 + SIGKILL);
    CHECK(eventually([&] { return watched.notes().saw_watcher_end.load(); }));
  }

  TEST_CASE("a child of any life inherits only its lifeline") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const net::Fd reading(ends[0]);
    const net::Fd writing(ends[1]);
    const auto tell = [&](const std::string& line) {
      static_cast<void>(::write(writing.get(), line.data(), line.size()));  // the reader misses it
    };
    Watched::Setting setting;
    setting.kernel = true;  // with its sockets, where they are allowed
    setting.before = [&] {
      ::setenv("NOTIFY_SOCKET", "@tandem-nobody-listens", 1);
      ::dup2(STDERR_FILENO, STDOUT_FILENO);  // not a terminal, for which one more signal is ignored
      tell(inheritance() + "\n");
    };
    const Watched watched(
        [&](Lifeline& lifeline, Notes& notes) {
          std::string line = inheritance() + "\n";
          const std::string own =
              std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(lifeline.watcher_fd())).string() + ";";
          const std::size_t at = line.find(own);
          tell(at == std::string::npos ? "no lifeline\n" : line.erase(at, own.size()));
          return Service{}(lifeline, notes);
        },
        setting);
    REQUIRE(serves(watched));
    ::kill(watched.notes().child, SIGKILL);
    REQUIRE(serves(watched, 2));

    std::array<char, 16'384> text{};
    const ssize_t size = ::read(reading.get(), text.data(), text.size());
    std::istringstream lines(std::string(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))));
    std::string before;
    std::string first;
    std::string second;
    std::getline(lines, before);
    std::getline(lines, first);
    std::getline(lines, second);

    CHECK(before.find("SigBlk:") != std::string::npos);
    CHECK(first == before);
    CHECK(second == before);
  }

  TEST_CASE("the watcher has a name of its own") {
    const Watched watched(Service{});
    REQUIRE(serves(watched));

    CHECK(text_of("/proc/" + std::to_string(watched.pid()) + "/comm") == "tandem-watcher\n");
    CHECK(text_of("/proc/" + std::to_string(watched.notes().child) + "/comm") == text_of("/proc/self/comm"));
  }

  TEST_CASE("a watcher that cannot carry out a will says so once there is one") {
    Watched::Setting setting;
    setting.executor = Executor{nullptr, "no capabilities"};
    const Watched watched(
        [](Lifeline& lifeline, Notes& notes) {
          return Service{0s, notes.lives == 1 ? 0U : 42U}(lifeline, notes);
        },
        setting);
    REQUIRE(serves(watched));
    ::kill(watched.notes().child, SIGKILL);
    REQUIRE(serves(watched, 2));
    CHECK(watched.log().find("watcher_powerless") == watched.log().rfind("watcher_powerless"));
    ::kill(watched.notes().child, SIGKILL);
    REQUIRE(serves(watched, 3));

    const std::string log = watched.log();
    const std::size_t at = log.find("warning watcher_powerless reason=\"no capabilities\"");
    CHECK(at != std::string::npos);
    CHECK(log.find("watcher_powerless", at + 20) == std::string::npos);
    CHECK(log.find("error will_failed") != std::string::npos);
  }

  TEST_CASE("the child says how the watcher writes its log") {
    const Watched watched([](Lifeline& lifeline, Notes& notes) {
      lifeline.log_as(config::LogFormat::json);
      return Service{}(lifeline, notes);
    });
    REQUIRE(serves(watched));

    ::kill(watched.notes().child, SIGKILL);

    REQUIRE(serves(watched, 2));
    CHECK(watched.log().find(R"("level":"error","event":"child_died","cause":"SIGKILL")") != std::string::npos);
  }

  TEST_CASE("a lifeline that nobody holds does nothing") {
    Lifeline lifeline;

    lifeline.on_started();
    lifeline.expect_beats(1ms);
    lifeline.beat(Instant{});
    lifeline.deposit(vrrp::Will{});

    CHECK(lifeline.watcher_fd() == -1);
  }

  TEST_CASE("an interrupt from the terminal reaches the child once") {
    const net::Fd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!terminal || ::grantpt(terminal.get()) != 0 || ::unlockpt(terminal.get()) != 0) {
      MESSAGE("skipped: no pseudo-terminal here");
      return;
    }
    Watched::Setting setting;
    setting.before = [&] {
      ::setsid();
      const int side = ::open(::ptsname(terminal.get()), O_RDWR);  // and its controlling terminal
      termios settings{};
      ::tcgetattr(side, &settings);
      settings.c_lflag |= TOSTOP;  // who writes from the background is stopped
      ::tcsetattr(side, TCSANOW, &settings);
      ::dup2(side, STDOUT_FILENO);
    };
    Watched watched(
        [](Lifeline& lifeline, Notes& notes) {
          static_cast<void>(::write(STDOUT_FILENO, "x", 1));
          return Service{0s, 0, 2}(lifeline, notes);
        },
        setting);
    REQUIRE(serves(watched));
    REQUIRE(::write(terminal.get(), "\x03", 1) == 1);
    REQUIRE(eventually([&] { return watched.notes().signals[SIGINT] >= 1; }));
    ::usleep(50'000);  // for a second one

    CHECK(watched.notes().signals[SIGINT] == 1);
    REQUIRE(::write(terminal.get(), "\x03", 1) == 1);
    CHECK(watched.end() == 0);
  }

  TEST_CASE("the will does not wait until all that the dead had is closed and freed") {
    Watched::Setting setting;
    setting.options.restarts = {1ms, 1ms, 60s};
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    const net::Fd reading(ends[0]);
    const net::Fd writing(ends[1]);
    Executor executor;
    executor.execute = [&](const vrrp::Will&) -> Result<> {
      // A child of the executor's process: there until it is dead and waited for.
      const bool is_there = !text_of("/proc/self/task/" + std::to_string(::getpid()) + "/children").empty();
      const char kind = is_there ? 'e' : 'l';
      static_cast<void>(::write(writing.get(), &kind, 1));  // the reader misses it
      return {};
    };
    setting.executor = executor;
    const Watched watched(
        [](Lifeline& lifeline, Notes& notes) {
          const std::vector<char> memory(256UL << 20U, 'x');  // takes its time, like thousands of connections
          return Service{0s, 42}(lifeline, notes);
        },
        setting);

    bool was_early = false;
    for (int life = 1; life <= 8 && !was_early; ++life) {  // a watcher without real time may be kept waiting itself
      REQUIRE(serves(watched, life));
      ::kill(watched.notes().child, SIGKILL);
      std::array<char, 8> kinds{};
      REQUIRE(eventually([&] { return ::read(reading.get(), kinds.data(), kinds.size()) > 0; }));
      was_early = kinds[0] == 'e';
    }
    CHECK(was_early);
  }

  TEST_CASE("a farewell is said once and the addresses stay until the last connection is closed") {
    Watched::Setting setting;
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    const net::Fd reading(ends[0]);
    const net::Fd writing(ends[1]);
    Executor executor;
    executor.execute = [&](const vrrp::Will& will) -> Result<> {
      std::size_t offset = 0;
      while (const auto entry = will.next(offset)) {
        const char kind = entry->kind == vrrp::Will::Kind::netlink_request ? 'r' : 'f';
        static_cast<void>(::write(writing.get(), &kind, 1));  // the reader misses it
      }
      return {};
    };
    setting.executor = executor;
    const Watched watched(
        [](Lifeline& lifeline, Notes& notes) {
          vrrp::Will will = will_of(42);
          const std::array<std::byte, 4> bytes{};
          const IpAddress nowhere(std::array<std::uint8_t, 4>{});
          static_cast<void>(will.append({vrrp::Will::Kind::netlink_request, 0, nowhere, bytes}));
          lifeline.deposit(will);
          return Service{}(lifeline, notes);
        },
        setting);
    REQUIRE(serves(watched));
    ::kill(watched.notes().child, SIGKILL);
    REQUIRE(serves(watched, 2));

    std::array<char, 16> kinds{};
    REQUIRE(::read(reading.get(), kinds.data(), kinds.size()) > 0);
    const std::string done = kinds.data();
    CAPTURE(done);
    CHECK((done == "fr" || done == "rf"));  // the second when its death was seen in one step
  }

  TEST_CASE("the time from a death to its will is short") {
    std::vector<std::int64_t> killed;
    std::vector<std::int64_t> stopped;
    for (int round = 0; round < 20; ++round) {
      const Watched watched(Service{50ms, 42});
      REQUIRE(serves(watched));
      const std::int64_t begun = now_ns();
      const bool kill = round % 2 == 0;
      ::kill(watched.notes().child, kill ? SIGKILL : SIGSTOP);
      REQUIRE(eventually([&] { return watched.notes().executed == 1; }));
      (kill ? killed : stopped).push_back((watched.notes().executed_ns - begun) / 1000);
    }
    std::sort(killed.begin(), killed.end());
    std::sort(stopped.begin(), stopped.end());
    MESSAGE("from SIGKILL to the will: median ", killed[killed.size() / 2], " us, longest ", killed.back(), " us");
    MESSAGE("from SIGSTOP to the will with a bound of 50 ms: median ", stopped[stopped.size() / 2], " us, longest ",
            stopped.back(), " us");
    CHECK(killed[killed.size() / 2] < 500'000);  // on a machine that is busy too
    CHECK(stopped[stopped.size() / 2] < 500'000);
  }
}

}  // namespace tandem::app
