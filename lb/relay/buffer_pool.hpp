#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace tandem::lb::relay {

/// What one recv() brings at most, and so what a direction keeps at most.
inline constexpr std::size_t kBufferSize = std::size_t{64} * 1024;
using Buffer = std::array<std::byte, kBufferSize>;

/// Buffers for bytes that the far side did not take. Keeps a few idle ones, so that a busy worker does not ask the
/// allocator each time.
class BufferPool {
 public:
  BufferPool() { idle_.reserve(kIdleMax); }

  std::unique_ptr<Buffer> take() {
    if (idle_.empty()) {
      return std::unique_ptr<Buffer>(new Buffer);  // uninitialised on purpose
    }
    std::unique_ptr<Buffer> buffer = std::move(idle_.back());
    idle_.pop_back();
    return buffer;
  }
  void give_back(std::unique_ptr<Buffer> buffer) {
    if (buffer && idle_.size() < kIdleMax) {
      idle_.push_back(std::move(buffer));
    }
  }

 private:
  static constexpr std::size_t kIdleMax = 64;
  std::vector<std::unique_ptr<Buffer>> idle_;
};

}  // namespace tandem::lb::relay
