#include "healthcheck/probe/tcp.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "healthcheck/outside_text.hpp"

namespace tandem::healthcheck {

namespace {

constexpr std::size_t kAnswerMax = 64UL * 1024;

}  // namespace

std::optional<Verdict> TcpDialogue::verdict_at_once() {
  if (!options_.expect.empty()) {
    return std::nullopt;
  }
  Verdict verdict;
  verdict.reachable = true;
  verdict.reason = "connected";
  return verdict;
}

std::optional<Verdict> TcpDialogue::on_bytes(Bytes bytes) {
  // The words may come in pieces: look again at what may be their beginning.
  const std::size_t from = answer_.size() - std::min(answer_.size(), options_.expect.size());
  answer_ += as_text(bytes);
  if (answer_.find(options_.expect, from) != std::string::npos) {
    Verdict verdict;
    verdict.reachable = true;
    verdict.reason = concat("answered \"", outside_text(options_.expect), "\"");
    return verdict;
  }
  if (answer_.size() >= kAnswerMax) {
    return unreachable(concat("no \"", outside_text(options_.expect), "\" in 64 KiB of answer"));
  }
  return std::nullopt;
}

Verdict TcpDialogue::on_end() {
  if (answer_.empty()) {
    return unreachable("closed without an answer");
  }
  return unreachable(
      concat("answered \"", outside_text(answer_), "\", wanted \"", outside_text(options_.expect), "\""));
}

}  // namespace tandem::healthcheck
