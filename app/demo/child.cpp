#include "app/demo/child.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <system_error>
#include <thread>
#include <utility>

#include "base/text.hpp"

namespace tandem::app::demo {

namespace {

constexpr Duration kPollEvery = std::chrono::milliseconds(5);

/// The first thing a new process does. `parent` is whom it belongs to.
void become_child(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) {
    _exit(1);  // it died before we could ask to hear of it
  }
  setpgid(0, 0);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    std::signal(number, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)), exit_status_(other.exit_status_) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    kill();
    pid_ = std::exchange(other.pid_, 0);
    exit_status_ = other.exit_status_;
  }
  return *this;
}

Child::~Child() { kill(); }

Result<Child> Child::fork(const std::function<void()>& work) {
  const pid_t parent = getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    return Error{concat("fork: ", std::generic_category().message(errno))};
  }
  if (pid == 0) {
    become_child(parent);
    work();
    _exit(0);
  }
  return Child(pid);
}

Result<Child> Child::run(const std::vector<std::string>& command, const std::string& log_file, const net::Fd& network) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  return fork([&] {
    const int log = open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    if (setns(network.get(), CLONE_NEWNET) != 0) {
      _exit(126);
    }
    execv(arguments[0], arguments.data());
    _exit(127);
  });
}

bool Child::running() {
  int status = 0;
  if (pid_ != 0 && waitpid(pid_, &status, WNOHANG) == pid_) {
    pid_ = 0;
    exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return pid_ != 0;
}

void Child::kill() {
  if (pid_ != 0) {
    ::kill(pid_, SIGKILL);
    waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
}

void Child::wait(Duration patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (running() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(kPollEvery);
  }
  kill();
}

}  // namespace tandem::app::demo
