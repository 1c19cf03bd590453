#include "healthcheck/probe/exec.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "base/text.hpp"
#include "healthcheck/probe/dialogue.hpp"

namespace tandem::healthcheck {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kOutputMax = 4096;  // bytes kept; the rest is read and dropped
constexpr int kReadsPerTurn = 4;

std::string error_text(int number) { return std::generic_category().message(number); }

/// C's view of a list of strings.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) {
    out.push_back(text.data());
  }
  out.push_back(nullptr);
  return out;
}

/// Starts the program with `output` as its stdout and stderr; errno's number on failure. posix_spawn shares memory
/// with the child until exec and stops only this thread meanwhile, so it is safe whatever the other threads hold.
int spawn(std::vector<std::string> command, std::vector<std::string> environment, int output, pid_t& child) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
  posix_spawn_file_actions_addchdir_np(&files, "/");
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  const std::vector<char*> arguments = pointers(command);
  const std::vector<char*> variables = pointers(environment);
  const int failure = posix_spawn(&child, arguments[0], &files, &attributes, arguments.data(), variables.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return failure;
}

bool our_own(int failure) { return failure == EMFILE || failure == ENFILE || failure == ENOMEM || failure == EAGAIN; }

}  // namespace

ExecProbe::ExecProbe(std::shared_ptr<Surroundings> surroundings, Target target,
                     std::shared_ptr<const ProbeOptions> options)
    : surroundings_(std::move(surroundings)),
      target_(std::move(target)),
      options_(std::move(options)),
      output_(surroundings_->context),
      end_(surroundings_->context),
      deadline_(surroundings_->context) {}

ExecProbe::~ExecProbe() {
  // Only where the io_context went away first.
  kill_group();
}

void ExecProbe::start(Instant /*now*/, Done done) {
  done_ = std::move(done);
  surroundings_->programs->enter([self = shared_from_this()](Gate::Ticket ticket) {
    if (!self->cancelled_) {
      self->run(std::move(ticket));
    }
  });
}

void ExecProbe::run(Gate::Ticket ticket) {
  ticket_ = std::move(ticket);
  const auto& exec = std::get<ExecProbeOptions>(options_->kind);
  if (exec.command.empty()) {
    finish(unreachable("exec: no command"), Evidence::counts);
    return;
  }
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    finish(unreachable(concat("exec: pipe: ", error_text(errno))), Evidence::none);
    return;
  }
  const int failure = spawn(exec.command, exec_environment(target_, *options_), ends[1], child_);
  ::close(ends[1]);
  if (failure != 0) {
    child_ = 0;
    ::close(ends[0]);
    finish(unreachable(concat("exec ", exec.command.front(), ": ", error_text(failure))),
           our_own(failure) ? Evidence::none : Evidence::counts);
    return;
  }
  error_code ignored;
  output_.assign(ends[0], ignored);
  output_.non_blocking(true, ignored);
  // By number: glibc 2.35 has no pidfd_open(). The child is not reaped yet, so the number is still its own.
  const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, child_, 0));
  if (pidfd < 0) {
    const std::string text = error_text(errno);
    kill_group();
    ExecResult dropped;
    reap(dropped);
    finish(unreachable(concat("exec: pidfd_open: ", text)), Evidence::none);
    return;
  }
  end_.assign(pidfd, ignored);
  deadline_.expires_after(options_->timeout);
  deadline_.async_wait([self = shared_from_this()](const error_code& error) {
    if (error || self->child_ == 0) {
      return;
    }
    self->kill_group();
    self->finish(unreachable(concat("timeout after ", to_string(self->options_->timeout), " in ",
                                    std::get<ExecProbeOptions>(self->options_->kind).command.front())),
                 Evidence::counts);
  });
  watch_output();
  watch_end();
}

void ExecProbe::watch_end() {
  end_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](const error_code& error) {
    if (!error) {
      self->on_end();
    }
  });
}

void ExecProbe::watch_output() {
  output_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](const error_code& error) {
    if (!error && self->child_ != 0 && self->read_output()) {
      self->watch_output();
    }
  });
}

/// False at the end of the output.
bool ExecProbe::read_output() {
  std::array<char, 4096> buffer;
  for (int turn = 0; turn < kReadsPerTurn; ++turn) {
    error_code error;
    const std::size_t count = output_.read_some(asio::buffer(buffer), error);
    if (error == asio::error::would_block) {
      return true;
    }
    if (error) {
      return false;
    }
    heard_.append(buffer.data(), std::min(count, kOutputMax - std::min(kOutputMax, heard_.size())));
  }
  return true;
}

void ExecProbe::on_end() {
  read_output();  // what it said last
  // Before reaping, while nobody else can get its number: what it left behind goes too.
  kill_group();
  ExecResult result;
  reap(result);
  deadline_.cancel();
  error_code ignored;
  output_.close(ignored);
  end_.close(ignored);
  ticket_.reset();
  result.output = std::move(heard_);
  finish(judge_exec(result), Evidence::counts);
}

void ExecProbe::reap(ExecResult& result) {
  siginfo_t how{};
  while (waitid(P_PID, static_cast<id_t>(child_), &how, WEXITED) != 0 && errno == EINTR) {
  }
  child_ = 0;
  result.how = how.si_code == CLD_EXITED ? ExecResult::How::exited : ExecResult::How::signalled;
  result.code = how.si_status;
}

void ExecProbe::kill_group() const {
  if (child_ > 0) {
    ::kill(-child_, SIGKILL);
  }
}

void ExecProbe::finish(const Verdict& verdict, Evidence evidence) {
  if (child_ == 0) {
    ticket_.reset();  // else its place is free when it is reaped
  }
  if (const Done done = std::exchange(done_, nullptr)) {
    done(verdict, evidence);
  }
}

void ExecProbe::cancel() {
  cancelled_ = true;
  done_ = nullptr;
  deadline_.cancel();
  kill_group();  // on_end() comes and reaps
}

}  // namespace tandem::healthcheck
