#include "app/notify_hook.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <system_error>

#include "base/text.hpp"

namespace tandem::app {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWaitingMax = 16;
constexpr auto kPatience = 30s;

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (std::string& string : strings) {
    out.push_back(string.data());
  }
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_with(const Notification& notification) {
  std::vector<std::string> out;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    out.emplace_back(*variable);
  }
  for (const auto& [name, value] : notification.environment) {
    out.push_back(concat(name, "=", value));
  }
  return out;
}

/// Starts it in a process group of its own, with nothing of ours but stdout and stderr. 0 or the error.
int spawn(const Notification& notification, pid_t& pid) {
  std::vector<std::string> arguments{notification.program};
  arguments.insert(arguments.end(), notification.arguments.begin(), notification.arguments.end());
  std::vector<std::string> environment = environment_with(notification);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t all;
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  const int error = posix_spawn(&pid, notification.program.c_str(), &files, &attributes, pointers(arguments).data(),
                                pointers(environment).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  return error;
}

}  // namespace

struct NotifyHook::Queue {
  explicit Queue(boost::asio::io_context& context) : ended(context), patience(context) {}

  std::deque<Notification> waiting;
  pid_t pid = 0;  // of the one that runs
  std::string program;
  boost::asio::posix::stream_descriptor ended;
  boost::asio::steady_timer patience;
};

NotifyHook::NotifyHook(boost::asio::io_context& context, Log log) : context_(context), log_(std::move(log)) {}

NotifyHook::~NotifyHook() = default;

void NotifyHook::run(const std::string& key, Notification notification) {
  std::unique_ptr<Queue>& queue = queues_[key];
  if (!queue) {
    queue = std::make_unique<Queue>(context_);
  }
  if (queue->waiting.size() >= kWaitingMax) {
    log_.warning("notify_dropped", {{"program", queue->waiting.front().program}, {"waiting", queue->waiting.size()}});
    queue->waiting.pop_front();
  }
  queue->waiting.push_back(std::move(notification));
  if (queue->pid == 0) {
    start_next(key);
  }
}

void NotifyHook::start_next(const std::string& key) {
  Queue& queue = *queues_.at(key);
  while (queue.pid == 0 && !queue.waiting.empty()) {
    const Notification notification = std::move(queue.waiting.front());
    queue.waiting.pop_front();
    pid_t pid = 0;
    if (const int error = spawn(notification, pid); error != 0) {
      log_.error("notify_failed",
                 {{"program", notification.program}, {"reason", std::system_category().message(error)}});
      continue;
    }
    queue.pid = pid;
    queue.program = notification.program;
  }
  if (queue.pid != 0) {
    watch(key);
  }
}

void NotifyHook::watch(const std::string& key) {
  Queue& queue = *queues_.at(key);
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, queue.pid, 0));
  if (pidfd < 0) {
    on_end(key);  // without a descriptor there is only the waiting, which its end makes short
    return;
  }
  queue.ended.assign(pidfd);
  queue.ended.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [this, key](const boost::system::error_code& error) {
                           if (!error) {
                             on_end(key);
                           }
                         });
  queue.patience.expires_after(kPatience);
  queue.patience.async_wait([this, key, pid = queue.pid](const boost::system::error_code& error) {
    if (!error && queues_.at(key)->pid == pid) {
      log_.error("notify_killed", {{"program", queues_.at(key)->program}, {"reason", "it ran for 30 s"}});
      ::kill(-pid, SIGKILL);
    }
  });
}

void NotifyHook::on_end(const std::string& key) {
  Queue& queue = *queues_.at(key);
  int status = 0;
  ::waitpid(queue.pid, &status, 0);
  queue.pid = 0;
  queue.ended.close();
  queue.patience.cancel();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    log_.warning("notify_ended", {{"program", queue.program},
                                  {"status", WIFEXITED(status) ? concat("exit ", WEXITSTATUS(status))
                                                               : concat("signal ", WTERMSIG(status))}});
  }
  start_next(key);
}

}  // namespace tandem::app
