#include "tests/vrrp/namespace.hpp"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

namespace tandem::vrrp {
namespace {

constexpr int kSkipped = 77;

int failures = 0;

/// Counts what fails in a child: its own count does not reach the parent.
struct FailureCounter : doctest::IReporter {
  explicit FailureCounter(const doctest::ContextOptions& /*options*/) {}
  void report_query(const doctest::QueryData& /*query*/) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats& /*stats*/) override {}
  void test_case_start(const doctest::TestCaseData& /*test*/) override {}
  void test_case_reenter(const doctest::TestCaseData& /*test*/) override {}
  void test_case_end(const doctest::CurrentTestCaseStats& /*stats*/) override {}
  void test_case_exception(const doctest::TestCaseException& /*exception*/) override {}
  void subcase_start(const doctest::SubcaseSignature& /*subcase*/) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData& assertion) override { failures += assertion.m_failed ? 1 : 0; }
  void log_message(const doctest::MessageData& /*message*/) override {}
  void test_case_skipped(const doctest::TestCaseData& /*test*/) override {}
};
REGISTER_LISTENER("failures in children", 1, FailureCounter);

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

/// Why it is not possible; empty: it has been done.
std::string enter_own_network() {
  const auto user = std::to_string(::getuid());
  const auto group = std::to_string(::getgid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) {
    if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", "0 " + user + " 1") ||
        !write_file("/proc/self/gid_map", "0 " + group + " 1")) {
      return std::string("a user namespace without a user: ") + std::strerror(errno);
    }
  } else if (::unshare(CLONE_NEWNET) != 0) {
    return std::string("no network namespace: ") + std::strerror(errno);
  }
  if (std::system("ip link set lo up 2>/dev/null") != 0) {
    return "no \"ip\" program, or no rights in the network namespace";
  }
  return {};
}

[[noreturn]] void live_as_child(const std::function<void()>& body) {
  if (const std::string reason = enter_own_network(); !reason.empty()) {
    std::cerr << "skipped: " << reason << std::endl;
    std::_Exit(kSkipped);
  }
  failures = 0;
  try {
    body();
  } catch (...) {  // a failed REQUIRE among others
    ++failures;
  }
  std::cout << std::flush;
  std::_Exit(failures == 0 ? 0 : 1);
}

}  // namespace

void in_own_network(const std::function<void()>& body) {
  std::cout << std::flush;
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    live_as_child(body);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kSkipped) {
    MESSAGE("skipped: a network namespace is not to be had");
    return;
  }
  CHECK(WEXITSTATUS(status) == 0);
}

void run(const std::string& command) {
  INFO(command);
  REQUIRE(std::system(command.c_str()) == 0);
}

std::string sysctl(std::string_view path) {
  std::ifstream file("/proc/sys/net/" + std::string(path));
  std::string value;
  file >> value;
  return value;
}

void set_sysctl(std::string_view path, std::string_view value) {
  INFO(path);
  REQUIRE(write_file("/proc/sys/net/" + std::string(path), std::string(value)));
}

}  // namespace tandem::vrrp
