#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "healthcheck/verdict.hpp"

namespace tandem::healthcheck {

/// What a probe says over a connection and what it makes of the answer. Pure: bytes in, bytes and a verdict out.
class Dialogue {
 public:
  virtual ~Dialogue() = default;
  /// The connection stands: what to send; empty: nothing.
  virtual std::string opening() = 0;
  /// The verdict, if nothing needs to be heard for it. Asked once, after opening().
  virtual std::optional<Verdict> verdict_at_once() { return std::nullopt; }
  /// A piece of the answer, of any size; the verdict once it is clear.
  virtual std::optional<Verdict> on_bytes(Bytes bytes) = 0;
  /// The peer ended the connection before there was a verdict.
  virtual Verdict on_end() = 0;
  /// What is being waited for, as a timeout would name it: "HTTP head".
  [[nodiscard]] virtual std::string_view waits_for() const = 0;

 protected:
  Dialogue() = default;
  Dialogue(const Dialogue&) = default;
  Dialogue& operator=(const Dialogue&) = default;
};

/// A failure for this reason.
inline Verdict unreachable(std::string reason) {
  Verdict verdict;
  verdict.reason = std::move(reason);
  return verdict;
}

}  // namespace tandem::healthcheck
