#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.hpp"
#include "peer/message.hpp"

namespace tandem::peer {

/// What the peer has not been told yet, oldest first. One hint a backend: a newer one takes the place of the one that
/// waits, so that a slow link costs no memory and no stale news. A hint's ages go on while it waits.
class ViewQueue {
 public:
  static constexpr std::size_t kHintsMax = 65'536;  // of backends, and of overrides

  /// The newest word counts.
  void add(View changes, Instant now);
  /// A whole view, asked for after the changes that wait already: those are the newer ones.
  void add_whole(View view, Instant now);
  /// The oldest hints that fit into a message of `bytes_max`, which any one hint does, and forgets them.
  [[nodiscard]] View take(std::size_t bytes_max, Instant now);
  void clear();
  [[nodiscard]] bool empty() const;
  /// Hints that were dropped because the queue was full, or their names longer than the wire allows.
  [[nodiscard]] std::uint64_t overflows() const { return overflows_; }

 private:
  template <class Hint>
  struct Waiting {
    Hint hint;
    Instant since;
  };
  /// Of one kind.
  template <class Hint>
  struct Lane {
    std::deque<Waiting<Hint>> waiting;
    std::unordered_map<std::string, std::uint64_t> places;  // by cluster and backend: counted from the very first
    std::uint64_t taken = 0;                                // the place of waiting.front()
  };
  enum class Existing { replace, keep };

  template <class Hint>
  void put(Lane<Hint>& lane, Hint hint, Existing existing, Instant now);
  void put_all(View view, Existing existing, Instant now);
  template <class Hint>
  static void take(Lane<Hint>& lane, std::vector<Hint>& out, std::size_t& bytes_left, Instant now);

  Lane<BackendHint> backends_;
  Lane<OverrideHint> overrides_;
  std::uint64_t overflows_ = 0;
};

}  // namespace tandem::peer
