#pragma once

#include <cstdint>

namespace tandem {

/// Numbers for things that have names. Given out once in a process and never again, so that an id that outlives
/// its thing (a late report, an old session) can be told from a new thing's.
enum class ClusterId : std::uint32_t {};
enum class BackendId : std::uint32_t {};
enum class PoolId : std::uint32_t {};
enum class ListenerId : std::uint32_t {};
/// Index of a worker thread, from 0.
enum class WorkerId : std::uint32_t {};

template <class Id>
constexpr std::uint32_t number(Id id) noexcept {
  return static_cast<std::uint32_t>(id);
}

}  // namespace tandem
