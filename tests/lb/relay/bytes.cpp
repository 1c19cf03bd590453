#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>

#include "base/random.hpp"
#include "lb/relay/buffer_pool.hpp"
#include "lb/relay/session_state.hpp"
#include "tests/lb/relay/bench.hpp"

namespace tandem::lb::relay::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kManyBytes = std::size_t{32} << 20U;
constexpr int kManyConnections = 500;
#else
constexpr std::size_t kManyBytes = std::size_t{512} << 20U;
constexpr int kManyConnections = 2000;
#endif

/// A stream of bytes that any part of can be made again: a pattern of a prime length, repeated.
class Stream {
 public:
  explicit Stream(std::uint64_t seed) : twice_(pattern(kLength, seed)) { twice_ += twice_; }

  [[nodiscard]] std::string_view at(std::size_t offset, std::size_t size) const {
    return std::string_view(twice_).substr(offset % kLength, std::min(size, kLength));
  }

 private:
  static constexpr std::size_t kLength = 1'000'003;
  std::string twice_;
};

void send_stream(const Peer& peer, const Stream& stream, std::size_t size, std::uint64_t seed) {
  Random random(seed);
  for (std::size_t sent = 0; sent < size;) {
    const std::size_t chunk = std::min<std::size_t>(size - sent, 1 + random.below(1U << random.below(19)));
    if (!peer.send(stream.at(sent, chunk))) {
      return;
    }
    sent += stream.at(sent, chunk).size();
  }
  peer.finish();
}

/// How many bytes came before the end or the first wrong one.
std::size_t receive_stream(const Peer& peer, const Stream& stream, std::uint64_t seed) {
  Random random(seed);
  std::string chunk(std::size_t{1} << 19U, '\0');
  for (std::size_t received = 0;;) {
    const std::size_t wanted = 1 + random.below(static_cast<std::uint32_t>(chunk.size()));
    const ssize_t count = ::recv(peer.fd().get(), chunk.data(), wanted, 0);
    if (count <= 0) {
      return received;
    }
    const std::string_view got = std::string_view(chunk).substr(0, static_cast<std::size_t>(count));
    if (got != stream.at(received, got.size())) {
      return received;
    }
    received += got.size();
  }
}

/// Resident memory of this process in bytes.
std::size_t resident() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0;
  std::size_t pages = 0;
  statm >> all >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST_SUITE("lb/relay/bytes") {
  TEST_CASE("a gigabyte in random chunks both ways arrives as it was sent") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Peer client = connect_to(bench.listen());
    const Peer served = server.accept();
    const Stream up(1);
    const Stream down(2);

    std::size_t up_received = 0;
    std::size_t down_received = 0;
    std::thread threads[] = {std::thread([&] { send_stream(client, up, kManyBytes, 3); }),
                             std::thread([&] { send_stream(served, down, kManyBytes, 4); }),
                             std::thread([&] { up_received = receive_stream(served, up, 5); }),
                             std::thread([&] { down_received = receive_stream(client, down, 6); })};
    for (std::thread& thread : threads) {
      thread.join();
    }

    CHECK(up_received == kManyBytes);
    CHECK(down_received == kManyBytes);
    CHECK(eventually([&] { return bench.plane().sessions() == 0; }));
    const auto& stats = bench.listener_state().stats[0];
    CHECK(stats.bytes_received.value() == kManyBytes);
    CHECK(stats.bytes_sent.value() == kManyBytes);
  }

  TEST_CASE("fifty megabytes behind a FIN arrive whichever side sent it") {
    constexpr std::size_t kBytes = 50'000'000;
    for (const End sender : {End::client, End::backend}) {
      CAPTURE(static_cast<int>(sender));
      Bench bench;
      const Server server;
      bench.pool().backends = {bench.backend(server.address())};
      bench.publish();
      Peer client = connect_to(bench.listen());
      Peer served = server.accept();
      Peer& from = sender == End::client ? client : served;
      Peer& to = sender == End::client ? served : client;
      const Stream stream(7);

      std::thread writer([&] {
        send_stream(from, stream, kBytes, 8);
        from.close();  // everything and the FIN are in the kernel's hands now
      });
      std::this_thread::sleep_for(200ms);  // let buffers fill up on the way
      const std::size_t received = receive_stream(to, stream, 9);
      writer.join();

      CHECK(received == kBytes);
    }
  }

  TEST_CASE("a slow reader stops its writer and costs no memory") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Endpoint front = bench.listen();
    constexpr int kSessions = 20;
    const std::string block(std::size_t{1} << 20U, 'x');
    std::vector<Peer> clients;
    std::vector<Peer> served;
    for (int session = 0; session < kSessions; ++session) {
      clients.push_back(connect_to(front));
      served.push_back(server.accept());
    }
    const std::size_t before = resident();

    std::size_t taken = 0;
    for (const Peer& writer : served) {
      for (int quiet = 0; quiet < 20;) {
        const ssize_t count = ::send(writer.fd().get(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        taken += count > 0 ? static_cast<std::size_t>(count) : 0;
        quiet = count > 0 ? 0 : quiet + 1;
        std::this_thread::sleep_for(1ms);
      }
    }

    const std::size_t after = resident();
    const std::size_t grown = after > before ? after - before : 0;
    MESSAGE(kSessions, " writers stopped after ", taken / 1000, " kB in kernel buffers; memory grew by ", grown / 1000,
            " kB");
    CHECK(grown < std::size_t{kSessions} * 2 * kBufferSize + 1'000'000);
    for (const Peer& reader : clients) {
      CHECK(reader.receive(1000) == std::string(1000, 'x'));  // they go on
    }
  }

  TEST_CASE("thousands of short connections go without an error") {
    Bench bench(2);
    const EchoServer server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Endpoint front = bench.listen();

    int good = 0;
    for (int number = 0; number < kManyConnections; ++number) {
      const Peer client = connect_to(front);
      const std::string question = "question " + std::to_string(number);
      good += client && client.send(question) && client.receive(question.size()) == question ? 1 : 0;
    }

    CHECK(good == kManyConnections);
    CHECK(eventually([&] { return bench.plane().sessions() == 0; }));
    CHECK(bench.closed(Cause::client_fin) == kManyConnections);
  }

  TEST_CASE("bytes sent before a reset arrive before it even at a slow reader") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Peer client = connect_to(bench.listen());
    Peer served = server.accept();
    const Stream stream(10);
    constexpr std::size_t kBytes = 300'000;

    REQUIRE(served.send(stream.at(0, kBytes)));
    REQUIRE(eventually([&] { return bench.listener_state().stats[0].bytes_sent.value() == kBytes; }));
    served.reset();
    std::this_thread::sleep_for(100ms);

    CHECK(receive_stream(client, stream, 11) == kBytes);
    CHECK(eventually([&] { return bench.closed(Cause::backend_reset) == 1; }));
  }
}

}  // namespace
}  // namespace tandem::lb::relay::test
