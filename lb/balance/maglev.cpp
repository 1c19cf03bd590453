#include "lb/balance/maglev.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/random.hpp"
#include "lb/balance/first.hpp"

namespace tandem::lb::balance {

namespace {

constexpr std::uint16_t kFree = 0xffffU;
constexpr std::uint32_t kStepsMax = 4096;  // slots to look at before looking at everybody

/// A backend's own order of preference over the slots: next, next + skip, ... visits each once, kSlots being prime.
struct Preference {
  std::uint32_t next;
  std::uint32_t skip;
  std::uint32_t weight;
  std::uint32_t credit = 0;

  explicit Preference(const MaglevTable::Share& share)
      : next(static_cast<std::uint32_t>(mix(share.name_hash) % MaglevTable::kSlots)),
        skip(static_cast<std::uint32_t>(mix(share.name_hash ^ 0x5bd1e995U) % (MaglevTable::kSlots - 1)) + 1),
        weight(share.weight) {}

  std::uint32_t take_free(const std::vector<std::uint16_t>& slots) {
    while (slots[next] != kFree) {
      advance();
    }
    const std::uint32_t taken = next;
    advance();
    return taken;
  }

 private:
  void advance() {
    next += skip;
    next -= next >= MaglevTable::kSlots ? MaglevTable::kSlots : 0;
  }
};

}  // namespace

MaglevTable::MaglevTable(std::span<const Share> backends) {
  backends = backends.first(std::min<std::size_t>(backends.size(), kBackendsMax));
  if (backends.empty()) {
    return;
  }
  slots_.assign(kSlots, kFree);
  std::vector<Preference> preferences(backends.begin(), backends.end());
  std::uint32_t weight_max = 0;
  for (const Share& share : backends) {
    weight_max = std::max(weight_max, share.weight);
  }
  // Round after round the heaviest takes one slot, a lighter one in as many rounds as its part of that weight.
  std::uint32_t filled = 0;
  while (filled < kSlots) {
    for (std::size_t index = 0; index < preferences.size() && filled < kSlots; ++index) {
      Preference& preference = preferences[index];
      preference.credit += preference.weight;
      if (preference.credit < weight_max) {
        continue;
      }
      preference.credit -= weight_max;
      slots_[preference.take_free(slots_)] = static_cast<std::uint16_t>(index);
      ++filled;
    }
  }
}

std::uint64_t hash_name(std::string_view name) noexcept {
  std::uint64_t hash = name.size();
  for (const char letter : name) {
    hash = mix(hash ^ static_cast<unsigned char>(letter));
  }
  return hash;
}

std::uint64_t hash_client(const IpAddress& client, const PoolOptions& options) noexcept {
  std::uint32_t bits = std::min(client.is_v4() ? options.maglev_prefix_v4 : options.maglev_prefix_v6,
                                static_cast<std::uint32_t>(client.size() * 8));
  std::uint64_t hash = client.is_v4() ? 4 : 6;
  for (std::size_t index = 0; bits > 0; ++index) {
    const std::uint32_t kept = std::min(bits, 8U);
    const unsigned octet = client.bytes()[index] & (0xff00U >> kept) & 0xffU;
    hash = mix(hash ^ octet);
    bits -= kept;
  }
  return hash;
}

const Candidate* maglev(const Tier& tier, const MaglevTable& table, std::uint64_t client) noexcept {
  if (table.empty()) {
    return nullptr;
  }
  for (std::uint32_t step = 0; step < kStepsMax; ++step) {
    const std::uint32_t index = table.at(client % MaglevTable::kSlots + step);
    if (index < tier.candidates.size() && tier.usable(tier.candidates[index])) {
      return &tier.candidates[index];
    }
  }
  return first(tier);
}

const Candidate* rendezvous(const Tier& tier, std::uint64_t client) noexcept {
  const Candidate* best = nullptr;
  double best_rank = 0;
  for (const Candidate& candidate : tier.candidates) {
    if (!tier.usable(candidate)) {
      continue;
    }
    const std::uint64_t drawn = mix(client ^ hash_name(candidate.backend->name));
    const double fraction = (static_cast<double>(drawn >> 11U) + 0.5) * 0x1.0p-53;  // 0 < x < 1
    const double rank = -static_cast<double>(candidate.weight) / std::log(fraction);
    if (best == nullptr || rank > best_rank) {
      best = &candidate;
      best_rank = rank;
    }
  }
  return best;
}

}  // namespace tandem::lb::balance
