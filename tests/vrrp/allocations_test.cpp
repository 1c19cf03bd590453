#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/vrrp/support.hpp"
#include "vrrp/routers.hpp"

namespace {

std::atomic<std::uint64_t> allocations{0};

void* allocate_or_null(std::size_t size) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size == 0 ? 1 : size);
}

void* allocate(std::size_t size) {
  if (void* memory = allocate_or_null(size)) {
    return memory;
  }
  throw std::bad_alloc();
}

}  // namespace

// Every allocation of this program is counted.
void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
// The library's own would take their memory elsewhere than our delete gives it back.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_null(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_null(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace tandem::vrrp {
namespace {

using namespace std::chrono_literals;

/// One advert of a peer's waits at a time; what is sent is counted. Allocates nothing itself.
struct Wire {
  EncodedPacket advert;
  Route route;
  bool waiting = false;
  std::uint64_t sent = 0;
};

class QuietTransport final : public Transport {
 public:
  explicit QuietTransport(Wire& wire) : wire_(wire) {}
  [[nodiscard]] int fd() const override { return -1; }
  [[nodiscard]] std::optional<Datagram> receive() override {
    return std::exchange(wire_.waiting, false) ? std::optional(Datagram{wire_.advert.view(), wire_.route, 255})
                                               : std::nullopt;
  }
  bool send(Bytes /*advert*/, const Route& /*route*/) override {
    ++wire_.sent;
    return true;
  }
  [[nodiscard]] bool bequeath(Will& will, Bytes advert, const Route& route) const override {
    return will.append({Will::Kind::ip_packet, 2, route.destination, advert});
  }

 private:
  Wire& wire_;
};

class QuietAddresses final : public Addresses {
 public:
  Result<> acquire() override {
    held_ = true;
    return {};
  }
  Result<> release() override {
    held_ = false;
    return {};
  }
  [[nodiscard]] bool complete() const override { return held_; }
  [[nodiscard]] bool any() const override { return held_; }
  void announce(std::uint8_t /*repeat*/) override {}
  [[nodiscard]] bool bequeath(Will& will) const override {
    return will.append({Will::Kind::netlink_request, 0, {}, as_bytes("remove")});
  }

 private:
  bool held_ = false;
};

class QuietPlatform final : public Platform, public Interfaces {
 public:
  explicit QuietPlatform(Wire& wire) : wire_(wire) {}
  [[nodiscard]] Interfaces& interfaces() override { return *this; }
  Result<Port> open(const Options& /*options*/) override {
    Port port;
    port.transport = std::make_unique<QuietTransport>(wire_);
    port.addresses = std::make_unique<QuietAddresses>();
    return Result<Port>(std::move(port));
  }
  [[nodiscard]] int fd() const override { return -1; }
  bool refresh() override { return false; }
  [[nodiscard]] InterfaceState find(const std::string& /*name*/) const override {
    return {2, true, {}, ip("10.77.0.1"), std::nullopt};
  }

 private:
  Wire& wire_;
};

}  // namespace

TEST_SUITE("vrrp/allocations") {
  TEST_CASE("the turns of a node allocate nothing whatever its instances do") {
    Wire wire;
    QuietPlatform platform(wire);
    std::uint64_t deposits = 0;
    std::uint64_t events = 0;
    NodeHooks hooks;
    hooks.on_event = [&](const Event&) { ++events; };
    hooks.deposit = [&](const Will&) { ++deposits; };
    Routers routers(platform, hooks);
    Options options;
    options.name = "front";
    options.interface = "lan";
    options.interval = 10ms;
    options.addresses = {{ip("10.77.0.100"), 24}};
    options.authentication.emplace();
    options.authentication->mode = AuthenticationMode::permissive;
    options.authentication->keys = {{1, std::vector<std::byte>(32, std::byte{7})}};
    Moment moment{Instant(1h), WallTime(24h * 365 * 50)};
    REQUIRE(routers.configure({options}, moment).has_value());
    Packet packet;
    packet.interval = 10ms;
    packet.addresses = {ip("10.77.0.100")};
    wire.route = {ip("10.77.0.2"), ip("224.0.0.18")};

    const std::uint64_t before = allocations.load();
    for (int turn = 0; turn < 20'000; ++turn) {
      moment.now += 1ms;
      moment.wall += 1ms;
      if (turn % 1000 == 500 || (turn % 1000 < 200 && turn % 7 == 0)) {
        packet.priority = Priority{static_cast<std::uint8_t>(turn % 1000 == 500 ? 200 : 50)};
        wire.advert = encode(packet, wire.route, ChecksumForm::pseudo_header);
        wire.waiting = true;
      }
      if (turn % 1300 == 0) {
        routers.hand_over(InstanceIndex{0}, moment);
      }
      routers.turn(moment);
    }
    const std::uint64_t after = allocations.load();

    CHECK(after == before);
    CHECK(events > 20);
    CHECK(deposits > 200);
    CHECK(wire.sent > 200);
    CHECK(std::make_unique<int>(1) != nullptr);
    CHECK(allocations.load() > after);  // the counter does count
  }
}

}  // namespace tandem::vrrp
