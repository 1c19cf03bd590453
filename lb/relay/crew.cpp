#include "lb/relay/crew.hpp"

namespace tandem::lb::relay {

namespace {

constexpr std::uint32_t kWorthAMove = 8;  // a smaller difference evens out by itself

}  // namespace

WorkerId Crew::place_for_client(WorkerId worker) const {
  // relaxed: any recent number will do
  const std::uint32_t own = load[number(worker)].load(std::memory_order_relaxed);
  WorkerId least = worker;
  std::uint32_t least_load = own;
  for (std::uint32_t other = 0; other < load.size(); ++other) {
    const std::uint32_t others = load[other].load(std::memory_order_relaxed);
    if (others < least_load) {
      least = WorkerId{other};
      least_load = others;
    }
  }
  return own > 2 * least_load && own >= least_load + kWorthAMove ? least : worker;
}

}  // namespace tandem::lb::relay
