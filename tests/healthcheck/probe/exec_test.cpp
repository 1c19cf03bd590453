#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "healthcheck/probe/exec_result.hpp"
#include "healthcheck/probe/recipe.hpp"
#include "tests/healthcheck/support/probe_once.hpp"
#include "tests/healthcheck/support/tls_server.hpp"

namespace tandem::healthcheck {
namespace {

using namespace std::chrono_literals;
using testing::Folder;
using testing::Outcome;
using testing::probe_once;
using testing::target;

const Endpoint kBackend{IpAddress(std::array<std::uint8_t, 4>{192, 0, 2, 7}), 5432};

ProbeOptions exec(std::vector<std::string> command) {
  ExecProbeOptions kind;
  kind.command = std::move(command);
  ProbeOptions options;
  options.kind = std::move(kind);
  options.timeout = 5s;
  return options;
}

/// For tests only: probes themselves never use a shell.
ProbeOptions script(const std::string& text) { return exec({"/bin/sh", "-c", text}); }

std::string content(const std::string& file) {
  std::ostringstream out;
  out << std::ifstream(file).rdbuf();
  return out.str();
}

bool gone(pid_t process) {
  for (int n = 0; n < 300; ++n) {
    const std::string status = content(concat("/proc/", process, "/stat"));
    if (status.empty() || status.find(") Z ") != std::string::npos) {
      return true;  // a zombie waits for whoever adopted it
    }
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

TEST_SUITE("healthcheck/probe/exec") {
  TEST_CASE("exit status 0 is reachable and the first line is the reason") {
    CHECK(judge_exec({.code = 0, .output = "\n  all is well \r\nmore\n"}).reachable);
    CHECK(judge_exec({.code = 0, .output = "\n  all is well \r\nmore\n"}).reason == "all is well");
    CHECK(judge_exec({.code = 0, .output = ""}).reason == "exit status 0");
  }

  TEST_CASE("any other end is a failure that names it") {
    CHECK_FALSE(judge_exec({.code = 2, .output = "no quorum\n"}).reachable);
    CHECK(judge_exec({.code = 2, .output = "no quorum\n"}).reason == "exit status 2: no quorum");
    CHECK(judge_exec({.how = ExecResult::How::signalled, .code = SIGSEGV, .output = ""}).reason == "killed by SIGSEGV");
    CHECK(judge_exec({.code = 1, .output = std::string(4096, 'x')}).reason.size() < 250);
    CHECK(judge_exec({.code = 1, .output = std::string("a\0\x1b[0m", 6)}).reason == "exit status 1: a??[0m");
  }

  TEST_CASE("the environment says what to probe and is no other's") {
    ProbeOptions options = exec({"/bin/true"});
    std::get<ExecProbeOptions>(options.kind).environment = {{"PGUSER", "tandem"}, {"PATH", "/opt/bin"}};
    options.timeout = 250ms;

    const std::vector<std::string> environment = exec_environment(target(kBackend, options), options);

    CHECK(environment == std::vector<std::string>{"TANDEM_CLUSTER=orders", "TANDEM_BACKEND=pg-0",
                                                  "TANDEM_ADDRESS=192.0.2.7", "TANDEM_PORT=5432", "TANDEM_TIMEOUT=0.25",
                                                  "PGUSER=tandem", "PATH=/opt/bin"});
    options.port = 8008;
    options.timeout = 10s;
    const std::vector<std::string> other = exec_environment(target(kBackend, options), options);
    CHECK(std::count(other.begin(), other.end(), "TANDEM_PORT=8008") == 1);
    CHECK(std::count(other.begin(), other.end(), "TANDEM_TIMEOUT=10") == 1);
  }

  TEST_CASE("a program runs and its exit status counts") {
    CHECK(probe_once(kBackend, exec({"/bin/true"})).verdict.reason == "exit status 0");
    CHECK(probe_once(kBackend, exec({"/bin/false"})).verdict.reason == "exit status 1");
    CHECK(probe_once(kBackend, script("echo no quorum >&2; exit 3")).verdict.reason == "exit status 3: no quorum");
    CHECK(probe_once(kBackend, script("kill -SEGV $$")).verdict.reason == "killed by SIGSEGV");
    const Outcome outcome = probe_once(kBackend, script("echo \"$TANDEM_BACKEND at $TANDEM_ADDRESS:$TANDEM_PORT\""));
    CHECK(outcome.verdict.reachable);
    CHECK(outcome.verdict.reason == "pg-0 at 192.0.2.7:5432");
    CHECK(outcome.verdicts == 1);
  }

  TEST_CASE("a program that cannot be run is named") {
    CHECK(probe_once(kBackend, exec({"/nonexistent/check"})).verdict.reason ==
          "exec /nonexistent/check: No such file or directory");
    CHECK(probe_once(kBackend, exec({"/dev/null"})).verdict.reason == "exec /dev/null: Permission denied");
    CHECK(probe_once(kBackend, exec({})).verdict.reason == "exec: no command");
  }

  TEST_CASE("much output does not block the program") {
    const Outcome outcome = probe_once(kBackend, script("echo first; head -c 1000000 /dev/zero; exit 4"));

    CHECK(outcome.verdict.reason == "exit status 4: first");
  }

  TEST_CASE("the child has no descriptors of ours and no blocked or ignored signals") {
    const int ours = open("/dev/null", O_RDONLY);  // without close-on-exec, on purpose
    sigset_t blocked;
    sigset_t before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    auto* const handler = std::signal(SIGPIPE, SIG_IGN);

    const Outcome fds = probe_once(kBackend, script("set -- /proc/self/fd/*; echo $#"));
    const Outcome signals = probe_once(kBackend, exec({"/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}));
    const Outcome ignored = probe_once(kBackend, exec({"/bin/grep", "-E", "^SigIgn", "/proc/self/status"}));

    std::signal(SIGPIPE, handler);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    close(ours);
    CHECK(fds.verdict.reason == "4");  // its three and the one that lists the folder
    CHECK(signals.verdict.reason == "SigBlk:?0000000000000000");
    // The C library keeps signals 32 and 33 for itself.
    CHECK((std::stoull(ignored.verdict.reason.substr(8), nullptr, 16) & 0x7fffffffU) == 0);
  }

  TEST_CASE("at the timeout the whole group is killed") {
    const Folder folder;
    const std::string file = folder.path("pids");
    ProbeOptions options = script(concat("sleep 100 & echo $! >> ", file, "; echo $$ >> ", file, "; sleep 100"));
    options.timeout = 300ms;

    const Outcome outcome = probe_once(kBackend, options);

    CHECK_FALSE(outcome.verdict.reachable);
    CHECK(outcome.verdict.reason == "timeout after 300ms in /bin/sh");
    CHECK(outcome.took >= 300ms);
    CHECK(outcome.took < 3s);
    std::istringstream pids(content(file));
    int count = 0;
    for (pid_t process = 0; pids >> process; ++count) {
      CHECK(gone(process));
    }
    CHECK(count == 2);
  }

  TEST_CASE("what a program leaves behind does not outlive it and does not delay the verdict") {
    const Folder folder;
    const std::string file = folder.path("pid");

    const Outcome outcome = probe_once(kBackend, script(concat("sleep 100 & echo $! > ", file, "; echo done")));

    CHECK(outcome.verdict.reason == "done");
    CHECK(outcome.took < 3s);
    CHECK(gone(static_cast<pid_t>(std::stoi(content(file)))));
  }

  TEST_CASE("sixteen programs run at a time and waiting is no failure") {
    boost::asio::io_context context(1);
    const auto surroundings = std::make_shared<Surroundings>(context);
    ProbeOptions options = exec({"/bin/sleep", "0.2"});
    options.timeout = 2s;
    const Target whom = target(kBackend, options);
    const ProbeRecipe recipe(surroundings, whom.probe);
    int reachable = 0;
    std::vector<std::shared_ptr<Probe>> probes;
    for (int n = 0; n < 40; ++n) {
      probes.push_back(recipe.make(whom));
      probes.back()->start({},
                           [&reachable](const Verdict& verdict, Evidence) { reachable += verdict.reachable ? 1 : 0; });
    }

    CHECK(surroundings->programs->waiting() == 24);
    context.run_for(10s);

    CHECK(reachable == 40);
  }

  TEST_CASE("a cancelled program is killed and says nothing") {
    boost::asio::io_context context(1);
    const Target whom = target(kBackend, exec({"/bin/sleep", "100"}));
    const ProbeRecipe recipe(std::make_shared<Surroundings>(context), whom.probe);
    int verdicts = 0;
    const std::shared_ptr<Probe> probe = recipe.make(whom);
    probe->start({}, [&verdicts](const Verdict&, Evidence) { ++verdicts; });

    probe->cancel();
    context.run_for(10s);

    CHECK(context.stopped());
    CHECK(verdicts == 0);
  }
}

}  // namespace
}  // namespace tandem::healthcheck
