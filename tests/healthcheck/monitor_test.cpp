#include "healthcheck/monitor.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/healthcheck/support/fake_server.hpp"
#include "tests/healthcheck/support/probe_once.hpp"

namespace tandem::healthcheck {
namespace {

using namespace std::chrono_literals;
using testing::ClosedPort;
using testing::FakeServer;
using testing::Peer;

ProbeOptions quick() {
  ProbeOptions options;
  options.kind = TcpProbeOptions{};
  options.interval = 40ms;
  options.fast_interval = 10ms;
  options.timeout = 500ms;
  return options;
}

Target target(std::uint32_t id, const Endpoint& address, const ProbeOptions& options) {
  Target out = testing::target(address, options);
  out.id = BackendId{id};
  return out;
}

/// A monitor on a loop that runs until something holds.
struct Loop {
  Loop() : Loop([](const Report&) {}) {}
  explicit Loop(std::function<void(const Report&)> also)
      : monitor(context, 1, Log{}, [this, also = std::move(also)](const Report& report) {
          reports.push_back(report);
          also(report);
        }) {}

  /// False if it does not hold within 10 s.
  bool run_until(const std::function<bool()>& holds) {
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (!holds() && std::chrono::steady_clock::now() < give_up) {
      context.restart();
      context.run_for(5ms);
    }
    return holds();
  }
  std::size_t count(std::uint32_t backend) const {
    return static_cast<std::size_t>(std::count_if(reports.begin(), reports.end(), [backend](const Report& report) {
      return report.backend == BackendId{backend};
    }));
  }
  [[nodiscard]] std::uint64_t late() const { return monitor.stats(ClusterId{1})->late.value(); }

  boost::asio::io_context context{1};
  std::vector<Report> reports;
  Monitor monitor;
};

TEST_SUITE("healthcheck/monitor") {
  TEST_CASE("a backend that answers is up with the first report and stays so") {
    FakeServer server([](Peer& peer) { peer.wait_end(); });
    Loop loop;
    loop.monitor.set_targets({target(1, server.endpoint(), quick())});

    REQUIRE(loop.run_until([&] { return loop.reports.size() >= 3; }));

    CHECK(loop.reports[0].up);
    CHECK(loop.reports[0].changed);
    CHECK(loop.reports[0].standing.reachable);
    CHECK(loop.reports[1].up);
    CHECK_FALSE(loop.reports[1].changed);
    CHECK(loop.monitor.stats(ClusterId{1})->succeeded.value() >= 3);
    CHECK(loop.monitor.stats(ClusterId{1})->duration.value().cumulative.back() >= 3);
  }

  TEST_CASE("a backend comes up after rise successes and a refusal is a verdict") {
    const ClosedPort port;
    Loop loop;
    loop.monitor.set_targets({target(1, port.endpoint(), quick())});
    REQUIRE(loop.run_until([&] { return !loop.reports.empty(); }));
    CHECK_FALSE(loop.reports[0].up);
    CHECK(loop.reports[0].changed);
    CHECK(loop.reports[0].verdict.reason == "connect refused");

    port.listen();

    REQUIRE(loop.run_until([&] { return loop.reports.back().up; }));
    const Report& before = loop.reports[loop.reports.size() - 2];
    CHECK(before.verdict.reachable);
    CHECK_FALSE(before.up);
    CHECK_FALSE(before.standing.reachable);
    CHECK(loop.reports.back().changed);
  }

  TEST_CASE("new options and other targets keep what is known of a backend") {
    FakeServer server([](Peer& peer) { peer.wait_end(); });
    Loop loop;
    loop.monitor.set_targets({target(1, server.endpoint(), quick()), target(2, server.endpoint(), quick())});
    REQUIRE(loop.run_until([&] { return loop.count(1) >= 1 && loop.count(2) >= 1; }));
    ProbeOptions patient = quick();
    patient.fall = 7;

    loop.reports.clear();
    loop.monitor.set_targets({target(1, server.endpoint(), patient), target(3, server.endpoint(), quick())});
    REQUIRE(loop.run_until([&] { return loop.count(1) >= 2 && loop.count(3) >= 2; }));

    CHECK(loop.count(2) == 0);
    std::map<BackendId, bool> first_changed;
    for (const Report& report : loop.reports) {
      first_changed.emplace(report.backend, report.changed);
    }
    CHECK_FALSE(first_changed.at(BackendId{1}));
    CHECK(first_changed.at(BackendId{3}));
  }

  TEST_CASE("probe_now does not wait for the interval") {
    FakeServer server([](Peer& peer) { peer.wait_end(); });
    ProbeOptions slow = quick();
    slow.interval = 1h;
    slow.fast_interval = 20ms;
    Loop loop;
    loop.monitor.set_targets({target(1, server.endpoint(), slow)});

    loop.monitor.probe_now(BackendId{1});
    REQUIRE(loop.run_until([&] { return loop.reports.size() == 1; }));
    const Instant first = loop.reports[0].at;
    for (int asked = 0; asked < 5; ++asked) {
      loop.monitor.probe_now(BackendId{1});
    }
    REQUIRE(loop.run_until([&] { return loop.reports.size() == 2; }));

    CHECK(loop.reports[1].at - first >= 15ms);
    loop.monitor.probe_now(BackendId{99});  // unknown: nothing happens
  }

  TEST_CASE("an urgent cluster is probed at the fast interval") {
    FakeServer server([](Peer& peer) { peer.wait_end(); });
    ProbeOptions slow = quick();
    slow.interval = 1h;
    slow.fast_interval = 20ms;
    Loop loop;
    loop.monitor.set_targets({target(1, server.endpoint(), slow), target(2, server.endpoint(), slow)});

    loop.monitor.set_urgent(ClusterId{1}, true);

    CHECK(loop.run_until([&] { return loop.count(1) >= 3 && loop.count(2) >= 3; }));
  }

  TEST_CASE("a failure that comes of our own delay is counted as late and changes nothing") {
    const ClosedPort port;
    Loop loop;
    ProbeOptions options = quick();
    options.interval = 100ms;
    options.fall = 1;
    port.listen();
    loop.monitor.set_targets({target(1, port.endpoint(), options)});
    REQUIRE(loop.run_until([&] { return !loop.reports.empty(); }));
    REQUIRE(loop.reports[0].up);
    const std::size_t reports = loop.reports.size();
    ProbeOptions refused = options;
    const ClosedPort shut;
    refused.port = shut.endpoint().port;
    loop.monitor.set_targets({target(1, port.endpoint(), refused)});

    std::this_thread::sleep_for(300ms);  // the loop does not turn: its timers come late
    REQUIRE(loop.run_until([&] { return loop.late() > 0; }));

    CHECK(loop.reports.size() == reports);
    REQUIRE(loop.run_until([&] { return loop.reports.size() > reports; }));  // the next one is on time
    CHECK_FALSE(loop.reports.back().up);
  }

  TEST_CASE("a timeout that our own thread slept through is counted as late") {
    FakeServer silent([](Peer& peer) { peer.wait_end(); });
    ProbeOptions options = quick();
    options.kind = TcpProbeOptions{.send = "", .expect = "hello"};
    options.timeout = 100ms;
    options.interval = 1h;
    Loop loop;
    loop.monitor.set_targets({target(1, silent.endpoint(), options)});
    loop.monitor.probe_now(BackendId{1});
    REQUIRE(loop.run_until([&] { return silent.accepted() == 1; }));

    std::this_thread::sleep_for(400ms);
    REQUIRE(loop.run_until([&] { return loop.late() == 1; }));

    CHECK(loop.reports.empty());
  }

  TEST_CASE("nothing is reported after stop and the loop runs empty") {
    FakeServer silent([](Peer& peer) { peer.wait_end(); });
    ProbeOptions options = quick();
    options.kind = TcpProbeOptions{.send = "", .expect = "hello"};
    options.timeout = 1h;
    Loop loop;
    loop.monitor.set_targets({target(1, silent.endpoint(), options), target(2, silent.endpoint(), options)});
    REQUIRE(loop.run_until([&] { return silent.accepted() == 2; }));

    loop.monitor.stop();
    loop.context.restart();
    loop.context.run_for(10s);

    CHECK(loop.context.stopped());
    CHECK(loop.reports.empty());
  }

  TEST_CASE("a report may call the monitor back") {
    FakeServer server([](Peer& peer) { peer.wait_end(); });
    Monitor* monitor = nullptr;
    int reports = 0;
    Loop loop([&](const Report& report) {
      ++reports;
      monitor->set_urgent(ClusterId{1}, true);
      monitor->probe_now(report.backend);
      if (reports == 3) {
        monitor->set_targets({});
      }
    });
    monitor = &loop.monitor;
    loop.monitor.set_targets({target(1, server.endpoint(), quick())});

    CHECK(loop.run_until([&] { return reports == 3; }));
    loop.context.restart();
    loop.context.run_for(10s);

    CHECK(loop.context.stopped());
    CHECK(reports == 3);
  }
}

}  // namespace
}  // namespace tandem::healthcheck
