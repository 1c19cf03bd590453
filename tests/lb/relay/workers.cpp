#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "net/socket_address.hpp"
#include "tests/lb/relay/bench.hpp"

namespace tandem::lb::relay::test {
namespace {

/// Processor time of this process so far.
Duration processor_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) { return std::chrono::seconds(time.tv_sec) + 1us * time.tv_usec; };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

/// Lets the process have only `spare` more file descriptors until it goes.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t spare) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlim_t end = 0;  // the numbers below it that nobody uses are `spare`
    for (rlim_t unused = 0; unused < spare; ++end) {
      unused += ::fcntl(static_cast<int>(end), F_GETFD) < 0 ? 1 : 0;
    }
    rlimit few = before_;
    few.rlim_cur = end;
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_SUITE("lb/relay/workers") {
  TEST_CASE("long sessions spread over the workers") {
    Bench bench(2);
    const EchoServer server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Endpoint front = bench.listen();

    std::vector<Peer> clients;
    for (int number = 0; number < 40; ++number) {
      clients.push_back(connect_to(front));
      REQUIRE(clients.back().send("x"));
      REQUIRE(clients.back().receive(1) == "x");
    }

    const auto& stats = bench.plane().worker_stats();
    CHECK(stats[0].sessions.value() + stats[1].sessions.value() == 40);
    MESSAGE("40 sessions: ", stats[0].sessions.value(), " and ", stats[1].sessions.value());
    CHECK(std::min(stats[0].sessions.value(), stats[1].sessions.value()) >= 12);
  }

  TEST_CASE("a worker with too many sessions hands new clients over") {
    Bench bench(2);
    const EchoServer server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Endpoint front = bench.listen();
    std::vector<Peer> clients;
    for (int number = 0; number < 100; ++number) {
      clients.push_back(connect_to(front));
      REQUIRE(clients.back().send("x"));
      REQUIRE(clients.back().receive(1) == "x");
    }
    // close those of one worker: the other one has more than twice as many from now on
    for (std::size_t at = 0; at < clients.size() && bench.plane().worker_stats()[0].sessions.value() > 2; ++at) {
      const auto before = bench.plane().worker_stats()[0].sessions.value();
      const auto total = bench.plane().sessions();
      clients[at].close();
      REQUIRE(eventually([&] { return bench.plane().sessions() == total - 1; }));
      if (bench.plane().worker_stats()[0].sessions.value() == before) {
        clients[at] = connect_to(front);
        REQUIRE(clients[at].send("x"));
        REQUIRE(clients[at].receive(1) == "x");
      }
    }
    for (int number = 0; number < 60; ++number) {
      clients.push_back(connect_to(front));
      REQUIRE(clients.back().send("x"));
      REQUIRE(clients.back().receive(1) == "x");
    }

    const auto& stats = bench.plane().worker_stats();
    CHECK(std::max(stats[0].sessions.value(), stats[1].sessions.value()) <=
          2 * std::min(stats[0].sessions.value(), stats[1].sessions.value()) + 9);
  }

  TEST_CASE("worker threads bear their names") {
    const Bench bench(2);

    std::set<std::string> names;
    CHECK(eventually([&] {
      for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream comm(task.path() / "comm");
        std::string name;
        comm >> name;
        names.insert(name);
      }
      return names.contains("worker/0") && names.contains("worker/1");
    }));
  }

  TEST_CASE("out of file descriptors clients are refused without spinning and served again later") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Endpoint front = bench.listen();
    std::uint64_t no_fd = 0;
    for (const rlim_t spare : {rlim_t{12}, rlim_t{13}}) {  // the last one is missing for a client or for its backend
      std::vector<Peer> clients;
      for (int number = 0; number < 30; ++number) {
        clients.push_back(Peer(net::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))));
      }
      const auto refused = [&] { return bench.rejected(Rejection::no_fd) + bench.closed(Cause::error); };
      const std::uint64_t refused_before = refused();
      const FewDescriptors few(spare);
      const net::SocketAddress address(front);
      for (const Peer& client : clients) {
        CHECK(::connect(client.fd().get(), address.get(), address.length) == 0);
      }
      CHECK(eventually([&] { return refused() - refused_before + bench.plane().sessions() == 30; }));

      const Duration before = processor_time();
      std::this_thread::sleep_for(500ms);
      CHECK(processor_time() - before < 250ms);
      for (Peer& client : clients) {
        client.reset();
      }
      CHECK(eventually([&] { return bench.plane().sessions() == 0; }));
      no_fd = bench.rejected(Rejection::no_fd);
    }
    CHECK(no_fd > 0);

    std::vector<Peer> clients;
    for (int number = 0; number < 20; ++number) {
      clients.push_back(connect_to(front));
      REQUIRE(clients.back());
    }
    CHECK(eventually([&] { return bench.plane().sessions() == 20; }));
  }
}

}  // namespace
}  // namespace tandem::lb::relay::test
