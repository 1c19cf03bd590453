#include "app/watcher/life_record.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <new>
#include <system_error>

#include "base/check.hpp"

namespace tandem::app {

void LifeRecord::Unmap::operator()(LifeRecord* record) const noexcept { ::munmap(record, sizeof(LifeRecord)); }

Result<LifeRecord::Mapping> LifeRecord::map() {
  // Filled in now: neither process should have to wait for memory when there is little of it.
  void* memory =
      ::mmap(nullptr, sizeof(LifeRecord), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) {
    return Error{std::system_category().message(errno)};
  }
  ::mlock(memory, sizeof(LifeRecord));  // where allowed
  return Mapping(new (memory) LifeRecord);
}

void LifeRecord::expect_beats(Duration within, Instant now) {
  beat(now);
  bound_ns_.store(within.count(), std::memory_order_release);  // release: with the bound comes a beat to count from
}

bool LifeRecord::deposit(const vrrp::Will& will) {
  // relaxed: only this side writes it.
  const std::uint32_t next = 1U - valid_.load(std::memory_order_relaxed);
  vrrp::Will& copy = wills_[next];
  copy.clear();
  std::size_t offset = 0;
  while (const auto entry = will.next(offset)) {  // not the whole 64 KiB: most wills are short
    check(copy.append(*entry), "a will fits into the room of another");
  }
  valid_.store(next, std::memory_order_release);  // release: whoever sees the index sees the will behind it
  return !copy.empty() && !bequeathed_.exchange(true, std::memory_order_relaxed);
}

const vrrp::Will& LifeRecord::will() const { return wills_[valid_.load(std::memory_order_acquire) & 1U]; }

void LifeRecord::clear() {
  bound_ns_.store(0, std::memory_order_relaxed);
  beat_ns_.store(0, std::memory_order_relaxed);
  started_.store(false, std::memory_order_relaxed);
  bequeathed_.store(false, std::memory_order_relaxed);
  valid_.store(0, std::memory_order_release);
  for (vrrp::Will& will : wills_) {
    will.clear();
  }
}

}  // namespace tandem::app
