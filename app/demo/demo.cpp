#include "app/demo/demo.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "app/demo/enclosure.hpp"
#include "app/demo/forwarder.hpp"
#include "app/demo/interrupts.hpp"
#include "app/demo/ledger.hpp"
#include "app/demo/play.hpp"
#include "app/demo/stage.hpp"
#include "base/text.hpp"
#include "net/fd.hpp"

namespace tandem::app {

namespace demo {

namespace {

constexpr Duration kLengthDefault = std::chrono::seconds(20);
constexpr int kWrongUsage = 2;
constexpr int kFailedWithLogs = 3;  // between our two processes only

int refuse(const std::string& reason) {
  std::fprintf(stderr, "tandem demo: %s\n", reason.c_str());
  return 1;
}

/// The first process of the enclosure; when it ends, so does everything in there. Never outlives the one outside.
int play(const DemoOptions& options, const std::string& directory, std::array<Doorway, 2> doors) {
  auto ledger = SharedLedger::create();
  if (!ledger) {
    return refuse(ledger.error().text);
  }
  Play play(options.program, directory, std::move(doors), std::move(*ledger), options.seconds.value_or(kLengthDefault));
  if (auto started = play.start(); !started) {
    play.finish();
    return refuse(started.error().text);
  }
  play.run();
  const std::vector<std::string> problems = play.finish();
  for (const std::string& problem : problems) {
    refuse(problem);
  }
  return problems.empty() ? 0 : kFailedWithLogs;
}

/// Forks the first process of the enclosure.
pid_t fork_play(const DemoOptions& options, const std::string& directory, std::array<Doorway, 2> doors) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return -1;
  }
  const net::Fd alive(ends[0]);
  net::Fd held(ends[1]);  // by the parent, as long as it lives
  const pid_t pid = fork();
  if (pid == 0) {
    held.close();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pollfd parent{alive.get(), POLLIN, 0};
    if (poll(&parent, 1, 0) != 0) {
      _exit(1);  // it died before we could ask to hear of it
    }
    setpgid(0, 0);  // a Ctrl-C of the terminal goes to the parent, which passes it on
    const int status = play(options, directory, std::move(doors));
    std::fflush(nullptr);
    _exit(status);
  }
  static_cast<void>(held.release());  // closed by the kernel when we end, and by nobody before
  return pid;
}

/// Waits for it, and passes Ctrl-C on; a second one ends it at once.
int wait_for(pid_t pid, Interrupts& interrupts) {
  const net::Fd ended(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  unsigned passed_on = 0;
  int status = 0;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    std::array<pollfd, 2> waiting{{{interrupts.fd(), POLLIN, 0}, {ended.get(), POLLIN, 0}}};
    poll(waiting.data(), waiting.size(), ended ? -1 : 50);
    const unsigned count = interrupts.count();
    if (count > passed_on) {
      passed_on = count;
      kill(pid, count > 1 ? SIGKILL : SIGTERM);
    }
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

}  // namespace demo

int run_demo(const DemoOptions& options) {
  if (options.seconds && *options.seconds < demo::kLengthMin) {
    demo::refuse(concat("--seconds ", *options.seconds / std::chrono::seconds(1), ": the story takes at least ",
                        demo::kLengthMin / std::chrono::seconds(1)));
    return demo::kWrongUsage;
  }
  std::array<demo::Doorway, 2> doors;
  for (demo::Doorway& door : doors) {  // before there is another network
    auto opened = demo::Doorway::open();
    if (!opened) {
      return demo::refuse(opened.error().text);
    }
    door = std::move(*opened);
  }
  auto directory = demo::TemporaryDirectory::create();
  if (!directory) {
    return demo::refuse(directory.error().text);
  }
  demo::Interrupts interrupts;
  if (auto entered = demo::enter_enclosure(); !entered) {
    return demo::refuse(entered.error().text);
  }
  const pid_t pid = demo::fork_play(options, directory->path(), std::move(doors));
  if (pid < 0) {
    return demo::refuse("cannot fork");
  }
  const int status = demo::wait_for(pid, interrupts);
  if (status != demo::kFailedWithLogs) {
    return status;
  }
  demo::refuse(concat("the logs are in ", directory->path()));
  directory->keep();
  return 1;
}

}  // namespace tandem::app
