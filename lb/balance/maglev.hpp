#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "lb/balance/tier.hpp"
#include "lb/options.hpp"

namespace tandem::lb::balance {

/// The lookup table of Maglev (Eisenbud and others, NSDI 2016, section 3.4) with weights: every backend fills its
/// share of the slots, and when one comes or goes few slots of the others change. Depends on names and weights alone,
/// so that two nodes with the same configuration send a client to the same backend. Never changes once built.
class MaglevTable {
 public:
  static constexpr std::uint32_t kSlots = 65'537;         // a prime
  static constexpr std::uint32_t kBackendsMax = 0xffffU;  // those beyond get no slot

  struct Share {
    std::uint64_t name_hash = 0;  // hash_name() of the backend's name
    std::uint32_t weight = 0;     // > 0

    friend bool operator==(const Share&, const Share&) = default;
  };

  explicit MaglevTable(std::span<const Share> backends);

  [[nodiscard]] bool empty() const { return slots_.empty(); }
  /// Index of the backend in the span that the table was built from. Not for an empty table.
  [[nodiscard]] std::uint32_t at(std::uint64_t slot) const { return slots_[slot % kSlots]; }

 private:
  std::vector<std::uint16_t> slots_;  // kSlots, or none when there is no backend
};

/// The same for the same name in every build and process.
std::uint64_t hash_name(std::string_view name) noexcept;

/// Hash of the part of the client's address that `options` counts.
std::uint64_t hash_client(const IpAddress& client, const PoolOptions& options) noexcept;

/// The backend of the client's slot, else of the slots after it. `tier` is what the table was built from.
const Candidate* maglev(const Tier& tier, const MaglevTable& table, std::uint64_t client) noexcept;

/// For a tier without a table: the usable candidate that ranks highest for this client (rendezvous hashing).
const Candidate* rendezvous(const Tier& tier, std::uint64_t client) noexcept;

}  // namespace tandem::lb::balance
