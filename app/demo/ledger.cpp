#include "app/demo/ledger.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

#include "base/text.hpp"

namespace tandem::app::demo {

Result<SharedLedger> SharedLedger::create() {
  void* memory = mmap(nullptr, sizeof(Ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return Error{concat("shared memory: ", std::generic_category().message(errno))};
  }
  return SharedLedger(new (memory) Ledger);
}

SharedLedger::SharedLedger(SharedLedger&& other) noexcept : ledger_(std::exchange(other.ledger_, nullptr)) {}

SharedLedger::~SharedLedger() {
  if (ledger_ != nullptr) {
    munmap(ledger_, sizeof(Ledger));
  }
}

}  // namespace tandem::app::demo
