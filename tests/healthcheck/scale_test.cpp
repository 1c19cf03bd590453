#include <doctest/doctest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "healthcheck/monitor.hpp"
#include "tests/healthcheck/support/fake_server.hpp"

namespace tandem::healthcheck {
namespace {

using namespace std::chrono_literals;
using testing::ClosedPort;

constexpr std::size_t kListeners = 8;
constexpr std::uint32_t kBackends = 5000;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(NDEBUG)
constexpr bool kOptimised = false;
#else
constexpr bool kOptimised = true;
#endif

Duration cpu_of_this_thread() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// Takes connections on a few ports and closes each at once: thousands of backends, as seen from the probes.
class Crowd {
 public:
  Crowd() {
    for (ClosedPort& port : ports_) {
      port.listen(4096);
    }
    thread_ = std::thread([this] { run(); });
  }
  ~Crowd() {
    stopping_ = true;
    thread_.join();
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  [[nodiscard]] Endpoint endpoint(std::size_t backend) const { return ports_.at(backend % kListeners).endpoint(); }

 private:
  void run() {
    std::array<pollfd, kListeners> waits{};
    for (std::size_t n = 0; n < kListeners; ++n) {
      waits.at(n) = {ports_.at(n).fd(), POLLIN, 0};
    }
    while (!stopping_) {
      poll(waits.data(), waits.size(), 100);
      for (const pollfd& wait : waits) {
        for (int fd = 0; (wait.revents & POLLIN) != 0 && fd >= 0;) {
          fd = accept4(wait.fd, nullptr, nullptr, SOCK_CLOEXEC);
          if (fd >= 0) {
            close(fd);
          }
        }
      }
    }
  }

  std::array<ClosedPort, kListeners> ports_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

std::vector<Target> crowd_targets(const Crowd& crowd, const std::shared_ptr<const ProbeOptions>& options) {
  std::vector<Target> targets;
  for (std::uint32_t n = 0; n < kBackends; ++n) {
    Target target;
    target.id = BackendId{n};
    target.cluster = ClusterId{1};
    target.address = crowd.endpoint(n);
    target.probe = options;
    targets.push_back(std::move(target));
  }
  return targets;
}

TEST_SUITE("healthcheck/monitor") {
  TEST_CASE("5000 backends are probed every 2 s by one thread at under 30 percent of a core") {
    const Crowd crowd;
    ProbeOptions every_two_seconds;
    every_two_seconds.kind = TcpProbeOptions{};
    every_two_seconds.interval = 2s;
    every_two_seconds.timeout = 2s;
    const auto options = std::make_shared<const ProbeOptions>(every_two_seconds);
    boost::asio::io_context context(1);
    std::vector<int> probes(kBackends);
    Duration worst{0};
    std::size_t failed = 0;
    Monitor monitor(context, 1, Log{}, [&](const Report& report) {
      ++probes.at(number(report.backend));
      worst = std::max(worst, report.lateness);
      failed += report.verdict.reachable ? 0 : 1;
    });

    const Duration cpu_before = cpu_of_this_thread();
    monitor.set_targets(crowd_targets(crowd, options));
    const Duration cpu_to_start = cpu_of_this_thread() - cpu_before;
    context.run_for(8s);
    const Duration cpu = cpu_of_this_thread() - cpu_before;
    const Duration cpu_before_reload = cpu_of_this_thread();
    monitor.set_targets(crowd_targets(crowd, std::make_shared<const ProbeOptions>(every_two_seconds)));
    const Duration cpu_to_reload = cpu_of_this_thread() - cpu_before_reload;
    monitor.stop();
    context.restart();
    context.run_for(5s);

    const double share = static_cast<double>(cpu.count()) / static_cast<double>(Duration(8s).count());
    const auto [fewest, most] = std::minmax_element(probes.begin(), probes.end());
    MESSAGE("5000 backends every 2 s: ", 100 * share, " % of a core, at most ", rounded(worst),
            " late, failed: ", failed, ", late: ", monitor.stats(ClusterId{1})->late.value(),
            ", probes each: ", *fewest, " to ", *most, ", set_targets: ", rounded(cpu_to_start), " new, ",
            rounded(cpu_to_reload), " again",
            std::string(kOptimised ? "" : " (not an optimised build: the limit of 30 % does not apply)"));
    CHECK(*fewest >= 3);
    CHECK(failed == 0);
    CHECK(share < (kOptimised ? 0.3 : 1.0));
    CHECK(worst < (kOptimised ? Duration(1s) : Duration(8s)));
  }
}

}  // namespace
}  // namespace tandem::healthcheck
