#include <doctest/doctest.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "tests/lb/relay/bench.hpp"

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

void* allocate(std::size_t size, std::align_val_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  const auto align = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(align, (size + align - 1) / align * align)) {
    return memory;
  }
  throw std::bad_alloc();
}

}  // namespace

// Every allocation of this program, on whatever thread, is counted.
void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return allocate(size, alignment); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return allocate(size, alignment); }
// The library's own would take their memory elsewhere than our delete gives it back.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_null(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate_or_null(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace tandem::lb::relay::test {
namespace {

TEST_SUITE("lb/relay/allocations") {
  TEST_CASE("a request through an established session allocates nothing") {
    Bench bench;
    const Server server;
    bench.pool().backends = {bench.backend(server.address())};
    bench.publish();
    const Peer client = connect_to(bench.listen());
    const Peer served = server.accept();
    char bytes[16];
    const auto request = [&] {
      return ::send(client.fd().get(), "question", 8, 0) == 8 &&
             ::recv(served.fd().get(), bytes, 8, MSG_WAITALL) == 8 && ::send(served.fd().get(), "answer", 6, 0) == 6 &&
             ::recv(client.fd().get(), bytes, 6, MSG_WAITALL) == 6;
    };
    REQUIRE(request());

    const std::uint64_t before = allocations.load();
    int good = 0;
    for (int number = 0; number < 1000; ++number) {
      good += request() ? 1 : 0;
    }
    const std::uint64_t after = allocations.load();

    MESSAGE("1000 requests: ", after - before, " allocations");
    CHECK(good == 1000);
    CHECK(after == before);
    CHECK(std::make_unique<int>(1) != nullptr);
    CHECK(allocations.load() > after);  // the counter does count
  }
}

}  // namespace
}  // namespace tandem::lb::relay::test
